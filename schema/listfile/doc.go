// Package listfile reads and writes the lists that people keep in files: price lists, templates, error maps, as JSON,
// YAML and CSV.
//
// Its guarantee: a list is taken as a whole or refused as a whole, with all of its problems and their lines, and
// reading a file takes memory and time by its size alone.
package listfile
