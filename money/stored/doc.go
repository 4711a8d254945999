// Package stored reads from ClickHouse what prices are made of: the lists that accounts put, and what tables shapes and
// legs say of messages and their steps. The API and the alerts price by it.
//
// Its guarantee: what is counted by an id that the tables do not know is an error, and never free.
package stored
