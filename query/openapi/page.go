package openapi

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui/v5/static"

	"kaskad/query/answer"
)

var (
	//go:embed page/index.html
	indexHTML []byte
	//go:embed page/init.js
	initJS []byte
)

// pagePolicy lets the page load its own files alone. Swagger UI draws its icons as data, and sets styles by script,
// which is no inline style.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// assets are the files of the page, by name. Those of Swagger UI come with a Go module, packed.
var assets = map[string]string{"init.js": "text/javascript; charset=utf-8",
	"swagger-ui-bundle.js": "text/javascript; charset=utf-8", "swagger-ui.css": "text/css; charset=utf-8"}

// Page serves the document of routes and shows it to people. It is safe for concurrent use.
type Page struct {
	document func() ([]byte, error)
}

// NewPage makes the page of the routes that served lists: its own are among them.
func NewPage(version string, served func() []answer.Route) *Page {
	return &Page{document: sync.OnceValues(func() ([]byte, error) { return Write(version, served()) })}
}

// Routes lists what the page serves.
func (p *Page) Routes() []answer.Route {
	return []answer.Route{
		answer.Route{Method: http.MethodGet, Path: "/openapi.json", Serve: p.serveDocument, For: answer.Open,
			Try: []string{"/openapi.json"}}.
			Says(answer.TagService, "This document", "", nil, answer.Answer{Text: "OpenAPI 3.1.",
				Of: &answer.Schema{Type: "object"}}),
		answer.Route{Method: http.MethodGet, Path: "/docs", Serve: p.serveIndex, For: answer.Open,
			Try: []string{"/docs"}}.
			Says(answer.TagService, "This document as a page, in which requests can be tried", "", nil,
				answer.Answer{Text: "A page.", Media: []string{"text/html"}}),
		{Method: http.MethodGet, Path: "/docs/:file", Serve: p.serveAsset, For: answer.Open, Hidden: true},
	}
}

func (p *Page) serveDocument(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	text, err := p.document()
	if err != nil {
		return err
	}
	c.Data(http.StatusOK, jsonType, text)
	return nil
}

func (p *Page) serveIndex(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	c.Header("Content-Security-Policy", pagePolicy)
	c.Data(http.StatusOK, "text/html; charset=utf-8", indexHTML)
	return nil
}

func (p *Page) serveAsset(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	name := c.Param("file")
	media, known := assets[name]
	if !known {
		return answer.NewProblem(http.StatusNotFound, "no-such-route",
			"there is nothing at this path; /docs is the page")
	}
	body := initJS
	if name != "init.js" {
		var err error
		if body, err = unpack(name); err != nil {
			return err
		}
	}
	c.Header("Cache-Control", "private, max-age=3600")
	c.Data(http.StatusOK, media, body)
	return nil
}

// unpack reads a file of Swagger UI.
func unpack(name string) ([]byte, error) {
	packed, err := static.FS.ReadFile(name + ".gz")
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	return slices.Clip(body), nil
}
