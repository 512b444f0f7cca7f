// Everything that the retrainer needs in Azure, in one resource group. `azd up` deploys it and then the code.
targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the azd environment; the resource group and the tags carry it.')
param environmentName string

@minLength(1)
@metadata({ azd: { type: 'location' } })
@description('Region of every resource. It must offer Flex Consumption, Container Instances and Azure ML.')
param location string

@description('Object id of the person or pipeline that deploys, releases and looks at the result; empty for nobody.')
param deployerId string = ''

@allowed(['User', 'ServicePrincipal', 'Group'])
param deployerType string = 'User'

@allowed(['aci', 'container-apps', 'managed-online'])
@description('What versions of the model run on: RETRAIN_TARGET.')
param target string = 'aci'

@description('When the timer starts a run: RETRAIN_SCHEDULE, six cron fields in UTC. Unchanged data end before any fit.')
param schedule string = '0 0 * * * *'

@description('Storage, vault and services are reached through a virtual network only.')
param privateNetwork bool = false

@description('With a private network, an IPv4 address that also reaches storage and vault, for example that of the deployer.')
param allowedAddress string = ''

@allowed([512, 2048, 4096])
@description('Memory of an instance of the Function App. A year of raw rows needs 2048.')
param instanceMemoryMB int = 2048

@minValue(0)
@maxValue(20)
@description('Instances that always run for HTTP, which avoids cold starts at a cost.')
param alwaysReady int = 0

@allowed(['Basic', 'Standard', 'Premium'])
param registrySku string = 'Basic'

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = 'Standard_ZRS'

@minValue(1)
@description('Logs above this many GB in a day are not taken in.')
param dailyLogGb int = 1

@description('Mail address of alerts and of the budget; empty for none.')
param alertAddress string = ''

@minValue(0)
@description('Monthly cost, in the currency of the subscription, of which 50, 80 and 100 % are told; 0 for no budget.')
param monthlyBudget int = 150

@description('More settings of the product, NAME=VALUE, separated by semicolons. No secret: everybody who may read the app can read them.')
param moreSettings string = ''

@description('First month of the budget, yyyy-MM-01, as the first deployment told; Azure refuses another one. Empty: this month.')
param budgetStart string = ''

@description('Not to be given: only the default of a parameter may ask for the time.')
param thisMonth string = utcNow('yyyy-MM-01')

// One region has several spellings, and every name depends on it.
var region = toLower(replace(location, ' ', ''))
var token = take(uniqueString(subscription().id, environmentName, region), 13)
var tags = { 'azd-env-name': environmentName }
var appName = 'func-${token}'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identities 'identities.bicep' = {
  name: 'identities'
  scope: group
  params: { location: location, tags: tags, token: token }
}

module network 'network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: { location: location, tags: tags, token: token }
}

module storage 'storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    sku: storageSku
    isPrivate: privateNetwork
    allowedAddress: allowedAddress
  }
}

module events 'events.bicep' = {
  name: 'events'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    storageName: storage.outputs.name
    logsId: monitoring.outputs.logsId
  }
}

module vault 'vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    isPrivate: privateNetwork
    allowedAddress: allowedAddress
    logsId: monitoring.outputs.logsId
  }
}

module registry 'registry.bicep' = {
  name: 'registry'
  scope: group
  params: { location: location, tags: tags, token: token, sku: registrySku }
}

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: { location: location, tags: tags, token: token, dailyGb: dailyLogGb, alertAddress: alertAddress }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    insightsId: monitoring.outputs.insightsId
    actionGroupId: monitoring.outputs.actionGroupId
  }
}

module workbook 'workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: { location: location, tags: tags, insightsId: monitoring.outputs.insightsId }
}

module workspace 'workspace.bicep' = {
  name: 'workspace'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    storageName: storage.outputs.name
    vaultName: vault.outputs.name
    registryName: registry.outputs.name
    insightsName: monitoring.outputs.insightsName
    identityName: identities.outputs.appName
    jobsSubnetId: privateNetwork ? network!.outputs.jobsSubnetId : ''
  }
}

module containerApps 'container-apps.bicep' = if (target == 'container-apps') {
  name: 'container-apps'
  scope: group
  params: {
    location: location
    tags: tags
    name: 'cae-${token}'
    logsId: monitoring.outputs.logsId
    subnetId: privateNetwork ? network!.outputs.appsSubnetId : ''
    networkId: privateNetwork ? network!.outputs.id : ''
  }
}

module endpoints 'endpoints.bicep' = if (privateNetwork) {
  name: 'endpoints'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    networkName: network!.outputs.name
    storageName: storage.outputs.name
    vaultName: vault.outputs.name
  }
}

module roles 'roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    appId: identities.outputs.appPrincipalId
    pullId: identities.outputs.pullPrincipalId
    topicId: events.outputs.principalId
    pullName: identities.outputs.pullName
    storageName: storage.outputs.name
    deadLetterContainer: storage.outputs.deadLetterContainer
    vaultName: vault.outputs.name
    registryName: registry.outputs.name
    workspaceName: workspace.outputs.name
    insightsName: monitoring.outputs.insightsName
    networkName: privateNetwork ? network!.outputs.name : ''
    deployerId: deployerId
    deployerType: deployerType
    target: target
  }
}

// What the product is told, by the names of its settings; everything else has a default. These name what is made here
// or what its roles depend on, so nothing else may be given; `infra/settings.py` refuses it.
var made = {
  RETRAIN_PLATFORM: 'azure'
  RETRAIN_STORE: 'blob'
  RETRAIN_TARGET: target
  RETRAIN_SUBSCRIPTION: subscription().subscriptionId
  RETRAIN_RESOURCE_GROUP: group.name
  RETRAIN_WORKSPACE: workspace.outputs.name
  RETRAIN_REGISTRY: registry.outputs.name
  RETRAIN_PULL_IDENTITY: identities.outputs.pullId
  RETRAIN_CONTAINER_APPS_ENVIRONMENT: target == 'container-apps' ? containerApps!.outputs.id : ''
  RETRAIN_VAULT_URL: vault.outputs.url
  RETRAIN_SUBNET: privateNetwork ? network!.outputs.servicesSubnetId : ''
  RETRAIN_FUNCTION_APP: appName
  RETRAIN_DEAD_LETTERS: storage.outputs.deadLetterContainer
  RETRAIN_STATE_CONTAINER: storage.outputs.stateContainer
  RETRAIN_FORECASTS_CONTAINER: storage.outputs.forecastsContainer
  TRANSACTIONS_CONTAINER: storage.outputs.transactionsContainer
  TRANSACTIONS_STORAGE__blobServiceUri: storage.outputs.blobUrl
  TRANSACTIONS_STORAGE__clientId: identities.outputs.appClientId
}

// Unless something else is given.
var usual = {
  RETRAIN_JOBS: 'azureml'
  RETRAIN_LOCATION: region
  // The smallest size that holds a service, and one that Container Apps has too.
  RETRAIN_CPU: '0.5'
  RETRAIN_MEMORY_GB: '1'
  RETRAIN_KEYS: 'vault'
  RETRAIN_SCHEDULE: schedule
  RETRAIN_BLOB_SOURCE: 'EventGrid'
}

var given = filter(split(moreSettings, ';'), one => contains(one, '='))
var more = toObject(given, one => trim(first(split(one, '='))), one => trim(substring(one, indexOf(one, '=') + 1)))
var settings = union(usual, more, made)

module app 'app.bicep' = {
  name: 'app'
  scope: group
  // The first start of the host needs the roles.
  dependsOn: [roles, endpoints]
  params: {
    location: location
    tags: tags
    token: token
    name: appName
    settings: settings
    storageName: storage.outputs.name
    packageContainer: storage.outputs.packageContainer
    identityName: identities.outputs.appName
    insightsName: monitoring.outputs.insightsName
    instanceMemoryMB: instanceMemoryMB
    alwaysReady: alwaysReady
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
  }
}

var hasBudget = monthlyBudget > 0 && !empty(alertAddress)
var firstMonth = empty(budgetStart) ? thisMonth : budgetStart

module budget 'budget.bicep' = if (hasBudget) {
  name: 'budget'
  scope: group
  params: { amount: monthlyBudget, start: firstMonth, address: alertAddress }
}

// azd keeps these and gives them to the hook: the settings of the command line, and where things are.
output AZURE_LOCATION string = location
// The next deployment is given it; empty until there is a budget, because a first one may not begin in the past.
output AZURE_BUDGET_START string = hasBudget ? firstMonth : budgetStart
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_STORAGE_ACCOUNT string = storage.outputs.name
output AZURE_SYSTEM_TOPIC string = events.outputs.topicName
output AZURE_LOG_WORKSPACE string = monitoring.outputs.logsName
output RETRAIN_PLATFORM string = settings.RETRAIN_PLATFORM
output RETRAIN_STORE string = settings.RETRAIN_STORE
output RETRAIN_TARGET string = settings.RETRAIN_TARGET
output RETRAIN_JOBS string = settings.RETRAIN_JOBS
output RETRAIN_SUBSCRIPTION string = settings.RETRAIN_SUBSCRIPTION
output RETRAIN_RESOURCE_GROUP string = settings.RETRAIN_RESOURCE_GROUP
output RETRAIN_LOCATION string = settings.RETRAIN_LOCATION
output RETRAIN_WORKSPACE string = settings.RETRAIN_WORKSPACE
output RETRAIN_REGISTRY string = settings.RETRAIN_REGISTRY
output RETRAIN_PULL_IDENTITY string = settings.RETRAIN_PULL_IDENTITY
output RETRAIN_CONTAINER_APPS_ENVIRONMENT string = settings.RETRAIN_CONTAINER_APPS_ENVIRONMENT
output RETRAIN_CPU string = settings.RETRAIN_CPU
output RETRAIN_MEMORY_GB string = settings.RETRAIN_MEMORY_GB
output RETRAIN_KEYS string = settings.RETRAIN_KEYS
output RETRAIN_VAULT_URL string = settings.RETRAIN_VAULT_URL
output RETRAIN_SUBNET string = settings.RETRAIN_SUBNET
output RETRAIN_SCHEDULE string = settings.RETRAIN_SCHEDULE
output RETRAIN_BLOB_SOURCE string = settings.RETRAIN_BLOB_SOURCE
output RETRAIN_FUNCTION_APP string = app.outputs.name
output RETRAIN_DEAD_LETTERS string = settings.RETRAIN_DEAD_LETTERS
output RETRAIN_STATE_CONTAINER string = settings.RETRAIN_STATE_CONTAINER
output RETRAIN_FORECASTS_CONTAINER string = settings.RETRAIN_FORECASTS_CONTAINER
output TRANSACTIONS_CONTAINER string = settings.TRANSACTIONS_CONTAINER
output TRANSACTIONS_STORAGE__blobServiceUri string = settings.TRANSACTIONS_STORAGE__blobServiceUri
output TRANSACTIONS_STORAGE__clientId string = settings.TRANSACTIONS_STORAGE__clientId
