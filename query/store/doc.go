// Package store is ClickHouse as all rooms of the API read it: with limits and settings that every statement has, a
// clock, snapshots, a watch over a server that falls silent, and small tables that are kept in memory (capabilities of
// channels, error maps).
//
// Its guarantee: what a Snapshot covers is in the editions that it names.
package store
