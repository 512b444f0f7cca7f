// Where the versions of the model run with the target container-apps: the retrainer makes the app in it.
param location string
param tags object
param name string
@description('Id of the log workspace that takes what services write.')
param logsId string
@description('Id of a subnet that is delegated to it, at least a /27; empty for public addresses.')
param subnetId string
@description('Id of the network that the subnet is in; empty without one.')
param networkId string

resource apps 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: { destination: 'azure-monitor' }
    vnetConfiguration: empty(subnetId) ? null : { infrastructureSubnetId: subnetId, internal: true }
    workloadProfiles: [{ name: 'Consumption', workloadProfileType: 'Consumption' }]
    zoneRedundant: false
  }
}

// No key of the log workspace is needed this way.
resource written 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: apps
  name: 'logs'
  properties: {
    workspaceId: logsId
    logs: [
      { category: 'ContainerAppConsoleLogs', enabled: true }
      { category: 'ContainerAppSystemLogs', enabled: true }
    ]
  }
}

// An internal environment has a domain that only a private zone knows.
module names 'container-apps-names.bicep' = if (!empty(subnetId)) {
  name: 'container-apps-names'
  params: {
    tags: tags
    domain: apps.properties.defaultDomain
    address: apps.properties.staticIp
    networkId: networkId
  }
}

output id string = apps.id
