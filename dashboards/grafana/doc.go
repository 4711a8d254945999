// Package grafana makes the dashboards, alert rules and rights with which Grafana shows Kaskad: the files beside it,
// which docker-compose.yml gives to Grafana and ClickHouse.
//
// Its guarantee: the files are what [Files] returns, every query of theirs has been run by the tests, and whoever looks
// at them sees nobody's number. Operators' boards read ClickHouse as [OperatorUser], which may read the columns of
// [Rights] and nothing else; business boards ask the API with a key, so its account holds there too.
package grafana
