package main

import "testing"

func TestInsertsWhatItSays(t *testing.T) {
	for query, want := range map[string]bool{
		"INSERT INTO t VALUES (1)":                            true,
		"\n-- Why.\n  -- And how.\nINSERT INTO t SELECT 1":    true,
		"INSERT INTO t SELECT x FROM u":                       false,
		"TRUNCATE TABLE t":                                    false,
		"-- INSERT INTO t SELECT 1\nALTER TABLE t DELETE ...": false,
		"DELETE FROM t WHERE x":                               false,
		"-- only this":                                        false,
		"":                                                    false,
	} {
		if got := insertsWhatItSays(query); got != want {
			t.Errorf("%q: %t", query, got)
		}
	}
}
