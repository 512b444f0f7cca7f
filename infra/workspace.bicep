// The Azure ML workspace: jobs, and the list of models. Its own identity gets its roles from Azure at its creation.
param location string
param tags object
param token string
param storageName string
param vaultName string
param registryName string
param insightsName string
param identityName string
param jobsSubnetId string

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageName
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: registryName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-06-01' = {
  name: 'mlw-${token}'
  location: location
  tags: tags
  sku: { name: 'Basic', tier: 'Basic' }
  // The system's identity stays the primary one, so Azure itself gives it what a workspace needs; jobs use the other.
  identity: {
    type: 'SystemAssigned,UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    friendlyName: 'retrain'
    storageAccount: storage.id
    keyVault: vault.id
    containerRegistry: registry.id
    applicationInsights: insights.id
    publicNetworkAccess: 'Enabled'
    systemDatastoresAuthMode: 'Identity'
    v1LegacyMode: false
    serverlessComputeSettings: empty(jobsSubnetId)
      ? null
      : { serverlessComputeCustomSubnet: jobsSubnetId, serverlessComputeNoPublicIP: false }
  }
}

output name string = workspace.name
