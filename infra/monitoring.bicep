// Logs with a daily cap, Application Insights that takes in nothing without an identity, and who is told.
param location string
param tags object
param token string
param dailyGb int
param alertAddress string

resource logs 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: 'log-${token}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
    workspaceCapping: { dailyQuotaGb: dailyGb }
    features: { enableLogAccessUsingOnlyResourcePermissions: true }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableLocalAuth: true
    WorkspaceResourceId: logs.id
  }
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'retrain'
    emailReceivers: empty(alertAddress)
      ? []
      : [{ name: 'alerts', emailAddress: alertAddress, useCommonAlertSchema: true }]
  }
}

output insightsName string = insights.name
output insightsId string = insights.id
output logsName string = logs.name
output logsId string = logs.id
output actionGroupId string = people.id
