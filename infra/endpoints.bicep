// Private addresses of storage and vault, and the names that lead to them.
param location string
param tags object
param token string
param networkName string
param storageName string
param vaultName string

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' existing = {
  name: networkName
}

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageName
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

var reached = [
  { kind: 'blob', of: storage.id, zone: 'privatelink.blob.${environment().suffixes.storage}' }
  { kind: 'queue', of: storage.id, zone: 'privatelink.queue.${environment().suffixes.storage}' }
  { kind: 'table', of: storage.id, zone: 'privatelink.table.${environment().suffixes.storage}' }
  { kind: 'vault', of: vault.id, zone: 'privatelink.vaultcore.azure.net' }
]

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for one in reached: {
    name: one.zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (one, index) in reached: {
    parent: zones[index]
    name: 'retrain'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [
  for one in reached: {
    name: 'pep-${one.kind}-${token}'
    location: location
    tags: tags
    properties: {
      subnet: { id: '${network.id}/subnets/endpoints' }
      privateLinkServiceConnections: [
        { name: one.kind, properties: { privateLinkServiceId: one.of, groupIds: [one.kind] } }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [
  for (one, index) in reached: {
    parent: endpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [{ name: one.kind, properties: { privateDnsZoneId: zones[index].id } }]
    }
  }
]
