// Package prices keeps the price lists of accounts: tariffs and templates, compiled, as they were at a version.
//
// Its guarantee: an answer, with all of its pages, is priced by one set of lists, or its cursor is refused.
package prices
