// Package web holds the page that people look at, as `make page` has built it.
//
// Its guarantee: the program compiles without npm, and then says how to build the page in place of showing it.
package web

import (
	"embed"
	"fmt"
	"io/fs"
)

// embedded has placeholder, which is checked in, and beside it dist, where Vite has built the page.
//
//go:embed all:embedded
var embedded embed.FS

// Files are index.html and what it loads.
func Files() (fs.FS, error) {
	folder := "embedded/dist"
	if _, err := fs.Stat(embedded, folder+"/index.html"); err != nil {
		folder = "embedded/placeholder"
	}
	files, err := fs.Sub(embedded, folder)
	if err != nil {
		return nil, fmt.Errorf("open the page's files: %w", err)
	}
	return files, nil
}
