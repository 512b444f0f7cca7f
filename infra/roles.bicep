// Every role: who has it, on what. Each is needed by a call that is made, and a test takes each one away.
param appId string
param pullId string
param topicId string
@description('Empty for nobody.')
param deployerId string
param deployerType string
param pullName string
param storageName string
param deadLetterContainer string
param vaultName string
param registryName string
param workspaceName string
param insightsName string
@description('Empty without a private network.')
param networkName string
@description('What versions of the model run on.')
param target string

// Principal ids come as parameters: a loop must know its length and its names before anything is deployed.
var app = { id: appId, type: 'ServicePrincipal' }
var pull = { id: pullId, type: 'ServicePrincipal' }
var topic = { id: topicId, type: 'ServicePrincipal' }
var deployer = { id: deployerId, type: deployerType }

var role = {
  acrDelete: 'c2f4ef07-c644-48eb-af81-4b1b4947fb11'
  acrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d'
  acrTasks: 'fb382eab-e894-4461-af04-94435c366c3f'
  blobContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  blobOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  containerApps: '358470bc-b998-42bd-ab17-a7e34c199c0f'
  containerInstances: '5d977122-f97e-4b4d-a52f-6b43003ddb4d'
  dataScientist: 'f6c7c914-8db3-469d-8ca1-694a8f32e121'
  eventGridContributor: '1e241071-0855-49ea-94dc-649edcd759de'
  identityOperator: 'f1a07417-d97a-45cb-824c-7a7467783830'
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  networkContributor: '4d97b98b-1d4f-4787-a291-c67834d212e7'
  queueContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  secretsOfficer: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  tableContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  websiteContributor: 'de139f84-1756-47ae-9be6-808fbbe84772'
}

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: storage
  name: 'default'
}

resource deadLetters 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: blobs
  name: deadLetterContainer
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: registryName
}

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-06-01' existing = {
  name: workspaceName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource puller 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: pullName
}

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' existing = {
  name: empty(networkName) ? 'none' : networkName
}

resource services 'Microsoft.Network/virtualNetworks/subnets@2024-07-01' existing = {
  parent: network
  name: 'services'
}

// Data, runs, versions, the lock; the host's own leases, queue and diagnostic events.
var storageRoles = [
  { who: app, role: role.blobOwner }
  { who: app, role: role.queueContributor }
  { who: app, role: role.tableContributor }
  { who: deployer, role: role.blobContributor }
  { who: deployer, role: role.queueContributor }
]

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in filter(storageRoles, one => !empty(one.who.id)): {
    scope: storage
    name: guid(storage.id, one.who.id, one.role)
    properties: {
      principalId: one.who.id
      principalType: one.who.type
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', one.role)
    }
  }
]

// Events that were not delivered.
resource onDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: deadLetters
  name: guid(deadLetters.id, topic.id, role.blobContributor)
  properties: {
    principalId: topic.id
    principalType: topic.type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.blobContributor)
  }
}

// Keys of services.
resource onVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in filter([app, deployer], one => !empty(one.id)): {
    scope: vault
    name: guid(vault.id, one.id, role.secretsOfficer)
    properties: {
      principalId: one.id
      principalType: one.type
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.secretsOfficer)
    }
  }
]

// Builds; images of jobs; images of services; images of versions that nothing needs, which the timer removes.
var registryRoles = [
  { who: app, role: role.acrDelete }
  { who: app, role: role.acrTasks }
  { who: app, role: role.acrPull }
  { who: pull, role: role.acrPull }
  { who: deployer, role: role.acrTasks }
]

resource onRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in filter(registryRoles, one => !empty(one.who.id)): {
    scope: registry
    name: guid(registry.id, one.who.id, one.role)
    properties: {
      principalId: one.who.id
      principalType: one.who.type
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', one.role)
    }
  }
]

// Jobs, the list of models, online endpoints.
resource onWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in filter([app, deployer], one => !empty(one.id)): {
    scope: workspace
    name: guid(workspace.id, one.id, role.dataScientist)
    properties: {
      principalId: one.id
      principalType: one.type
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.dataScientist)
    }
  }
]

var runs = target == 'container-apps' ? role.containerApps : (role.containerInstances)

// Container groups, or the container app and its revisions, are made and removed here; on a command line by whoever
// deploys, who subscribes to events too.
var groupRoles = [
  { who: app, role: runs }
  { who: deployer, role: runs }
  { who: deployer, role: role.eventGridContributor }
  { who: deployer, role: role.websiteContributor }
]

resource onGroup 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in filter(groupRoles, one => !empty(one.who.id)): {
    name: guid(resourceGroup().id, one.who.id, one.role)
    properties: {
      principalId: one.who.id
      principalType: one.who.type
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', one.role)
    }
  }
]

// A container group or app is given this identity and no other.
resource onPuller 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in filter([app, deployer], one => !empty(one.id)): {
    scope: puller
    name: guid(puller.id, one.id, role.identityOperator)
    properties: {
      principalId: one.id
      principalType: one.type
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.identityOperator)
    }
  }
]

// Container groups join the subnet.
resource onSubnet 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in filter([app, deployer], one => !empty(one.id) && !empty(networkName)): {
    scope: services
    name: guid(services.id, one.id, role.networkContributor)
    properties: {
      principalId: one.id
      principalType: one.type
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.networkContributor)
    }
  }
]

// Telemetry, which is taken in by identity only.
resource onInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: insights
  name: guid(insights.id, app.id, role.metricsPublisher)
  properties: {
    principalId: app.id
    principalType: app.type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.metricsPublisher)
  }
}
