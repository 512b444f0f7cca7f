// The keys of services, and what the Azure ML workspace keeps for itself.
param location string
param tags object
param token string
param isPrivate bool
param allowedAddress string
param logsId string

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: 'kv-${token}'
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    // Without protection from purging: `azd down --purge` gives the name back, and every key here can be made anew.
    softDeleteRetentionInDays: 7
    publicNetworkAccess: isPrivate && empty(allowedAddress) ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
      ipRules: isPrivate && !empty(allowedAddress) ? [{ value: allowedAddress }] : []
    }
  }
}

// Who read which secret.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'audit'
  properties: {
    workspaceId: logsId
    logs: [{ categoryGroup: 'audit', enabled: true }]
  }
}

output name string = vault.name
output url string = 'https://${vault.name}${environment().suffixes.keyvaultDns}'
