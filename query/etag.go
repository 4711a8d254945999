package query

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
)

// tagged serves a route whose answers have an ETag, so that who has one asks whether it still holds and gets 304 when
// it does. The tag is weak: as_of goes on in an answer while nothing else changes.
func (s *Server) tagged(serve func(*gin.Context) error) func(*gin.Context) error {
	return func(c *gin.Context) error {
		// Before the rows are read: a tag may be of an older state than they are, never of a newer one.
		ctx, state, err := s.published(c.Request.Context())
		if err != nil {
			return serve(c) // which says what is wrong, with the request first of all
		}
		c.Request = c.Request.WithContext(ctx)
		r := c.Request
		tag := `W/"` + hex.EncodeToString(answer.QueryHash(s.config.Version, r.URL.EscapedPath(), r.URL.RawQuery, state,
			strings.Join(r.Header.Values("Accept"), ","), strings.Join(r.Header.Values("Authorization"), ","),
			strings.Join(r.Header.Values("Cookie"), ","))[:16]) + `"`
		h := c.Writer.Header()
		h.Add("Vary", "Accept")
		h.Set("Cache-Control", "private, no-cache")
		h.Set("ETag", tag)
		if matches(r.Header.Values("If-None-Match"), tag) {
			c.Status(http.StatusNotModified)
			c.Writer.WriteHeaderNow()
			return nil
		}
		if err = serve(c); err != nil {
			h.Del("ETag")
			h.Set("Cache-Control", "no-store")
		}
		return err
	}
}

// published names the state that answers are made of, and has the request look at no other.
func (s *Server) published(ctx context.Context) (request context.Context, name string, err error) {
	now := s.db.Now()
	request, name, err = s.db.Begin(ctx, s.config.QueryTime)
	if err != nil {
		return nil, "", err
	}
	seen, err := s.db.Snapshot(request, now)
	if err != nil {
		return nil, "", err
	}
	// What is mature, which windows are over and the default period change with quarter hours alone.
	return request, fmt.Sprint(name, " ", answer.FloorTo(now.UnixMilli(), answer.QuarterMS), " ",
		answer.FloorTo(seen.UpTo(), answer.QuarterMS)), nil
}

// matches tells whether a tag is among those of a header If-None-Match, weak or not.
func matches(given []string, tag string) bool {
	return slices.ContainsFunc(strings.Split(strings.Join(given, ","), ","), func(one string) bool {
		one = strings.TrimSpace(one)
		return one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/")
	})
}
