package query

import (
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
)

// pagePolicy lets the page load its own files and ask this server, and nothing else: no inline script or style.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// site is the page that browsers are shown: index.html at every path that is no part of the API, and the files that it
// loads.
type site struct {
	index []byte
	// files are assets by path, such as /assets/main-1a2b3c4d.js.
	files map[string][]byte
}

// newSite reads all of the page once: it is a few hundred kB. Without files there is none.
func newSite(files fs.FS) (*site, error) {
	p := &site{files: map[string][]byte{}}
	if files == nil {
		return p, nil
	}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, name)
		p.files["/"+name] = body
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	p.index = p.files["/index.html"]
	if p.index == nil {
		return nil, errors.New("read the page: it has no index.html")
	}
	delete(p.files, "/index.html")
	return p, nil
}

// routes are a route for each file. Those that Vite puts into assets have a hash of what they hold in their name, so a
// browser that has one never asks again.
func (p *site) routes() (routes []answer.Route) {
	for name, body := range p.files {
		caching := "no-cache"
		if strings.HasPrefix(name, "/assets/") {
			caching = "public, max-age=31536000, immutable"
		}
		media := mediaType(name)
		routes = append(routes, answer.Route{Method: http.MethodGet, Path: name, For: answer.Open, Hidden: true,
			Serve: func(c *gin.Context) error {
				h := c.Writer.Header()
				h.Del("Vary")
				h.Set("Cache-Control", caching)
				c.Data(http.StatusOK, media, body)
				return nil
			}})
	}
	return routes
}

// mediaType does not ask the machine, whose tables differ.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "application/octet-stream"
	}
}

// wanted tells whether a request is that of a browser which opens an address, rather than of a program that asks the
// API. Programs ask for JSON, or for whatever there is.
func (p *site) wanted(r *http.Request) bool {
	if p.index == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	for _, one := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		if media, _, err := mime.ParseMediaType(one); err == nil && media == "text/html" {
			return true
		}
	}
	return false
}

// show answers with index.html, which finds out by itself what the address means.
func (p *site) show(c *gin.Context) error {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept")
	c.Data(http.StatusOK, "text/html; charset=utf-8", p.index)
	return nil
}

// isAPI tells whether a path belongs to programs, so that one which does not exist is a 404 for browsers too.
func isAPI(path string) bool {
	return path == "/v1" || strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/assets/")
}
