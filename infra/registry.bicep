// Images of the scoring service and of jobs, built by ACR Tasks.
param location string
param tags object
param token string
param sku string

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' = {
  name: 'cr${token}'
  location: location
  tags: tags
  sku: { name: sku }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
    // Builds run outside any network of ours: signing in by identity guards the registry.
    publicNetworkAccess: 'Enabled'
    networkRuleBypassOptions: 'AzureServices'
    policies: { azureADAuthenticationAsArmPolicy: { status: 'enabled' } }
  }
}

output name string = registry.name
