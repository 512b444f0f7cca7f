// One storage account: landed files, the state of the retrainer, the host of the Function App, its package.
param location string
param tags object
param token string
param sku string
param isPrivate bool
param allowedAddress string

var transactions = 'transactions'
var state = 'retrain'
var package = 'app-package'
var deadLetters = 'dead-letters'
var forecasts = 'forecasts'

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: 'st${token}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false // signing in by identity is the only way
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate && empty(allowedAddress) ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices' // Event Grid writes dead letters, and ACR Tasks nothing
      defaultAction: isPrivate ? 'Deny' : 'Allow'
      ipRules: isPrivate && !empty(allowedAddress) ? [{ value: allowedAddress, action: 'Allow' }] : []
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    // Together they bring the state container back as it was at a moment of the last 29 days.
    isVersioningEnabled: true
    changeFeed: { enabled: true, retentionInDays: 31 }
    restorePolicy: { enabled: true, days: 29 }
    deleteRetentionPolicy: { enabled: true, days: 30 }
    containerDeleteRetentionPolicy: { enabled: true, days: 30 }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = [
  for name in [transactions, state, package, deadLetters, forecasts]: {
    parent: blobs
    name: name
    properties: { publicAccess: 'None' }
  }
]

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' = {
  parent: account
  name: 'default'
}

resource requests 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' = {
  parent: queues
  name: 'retrain-requests'
}

// What nobody reads again is removed; a landed file, a version of the model or a run never is.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-01-01' = {
  parent: account
  name: 'default'
  dependsOn: [blobs]
  properties: {
    policy: {
      rules: [
        {
          name: 'replaced-contents'
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'] }
            actions: { version: { delete: { daysAfterCreationGreaterThan: 90 } } }
          }
        }
        {
          name: 'stores-before-a-rebuild'
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['${state}/before-rebuild/'] }
            actions: {
              baseBlob: {
                tierToCool: { daysAfterModificationGreaterThan: 30 }
                delete: { daysAfterModificationGreaterThan: 365 }
              }
            }
          }
        }
        {
          name: 'events-that-were-not-delivered'
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['${deadLetters}/'] }
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 90 } } }
          }
        }
      ]
    }
  }
}

output name string = account.name
output blobUrl string = account.properties.primaryEndpoints.blob
output transactionsContainer string = transactions
output stateContainer string = state
output packageContainer string = package
output deadLetterContainer string = deadLetters
output forecastsContainer string = forecasts
