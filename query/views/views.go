// Package views is the room of the API about the saved views of the page: names for addresses that people come back to.
//
// Its guarantees: a key has views of its own, and no other key sees or changes them; they are replaced as a whole or
// nothing changes; who puts by a version never overwrites another's; a view leads to this page and nowhere else, and
// names no person.
package views

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/keys"
)

// maxBody is what the views of a key may weigh, in bytes.
const maxBody = 16 << 10

// Views serves the routes about saved views. It is safe for concurrent use.
type Views struct {
	db   *store.DB
	gate *answer.Gate
}

// New makes the room.
func New(db *store.DB, gate *answer.Gate) *Views { return &Views{db: db, gate: gate} }

// Routes lists what the room serves.
func (v *Views) Routes() []answer.Route {
	tag := answer.Param{Name: "ETag", Text: "The version in quotes."}
	put := answer.Route{Method: http.MethodPut, Path: "/v1/views", Serve: v.put, For: answer.ForMessages,
		Errors: answer.Errors{http.StatusPreconditionFailed: "the views are not at the version any more that they " +
			"were to replace"}}.
		Says(answer.TagAccess, "Replace the saved views of the key", "Names for addresses of the page, replaced as a "+
			"whole. They lead to the page alone, and name no person. They go when the key is revoked.",
			[]answer.Param{{Name: "If-Match", In: answer.InHeader,
				Text: "The ETag of a GET: replace this version and no other.", Schema: answer.AnyText()}},
			answer.Answer{Text: "The views are stored.", Of: answer.Typed[storedAnswer](),
				Headers: []answer.Param{tag}})
	name := &answer.Schema{Type: "string", MinLength: new(1), MaxLength: new(maxNameRunes)}
	list := answer.ListOf(answer.ObjectOf(answer.Column{Name: "name", Of: name}, answer.Column{Name: "url",
		Of: &answer.Schema{Type: "string", MaxLength: new(maxURLBytes), Pattern: "^/"}}))
	list.MaxItems = new(maxViews)
	put.Body = &answer.Body{Of: answer.ObjectOf(answer.Column{Name: "views", Of: list},
		// What GET gave may be sent back as it is.
		answer.Column{Name: "version", Type: answer.CountColumn, Optional: true},
		answer.Column{Name: "at", Type: answer.TimeColumn, Null: answer.NullSaid, Optional: true}),
		Example: `{"views":[{"name":"Viber in May","url":"/channels?channel=viber"}]}`}
	return []answer.Route{
		answer.Get(answer.ForMessages, "/v1/views", v.get, "/v1/views").
			Says(answer.TagAccess, "The saved views of the key", "", nil,
				answer.Answer{Text: "The views.", Of: answer.Typed[viewsAnswer](), Headers: []answer.Param{tag}}),
		put,
	}
}

// viewsAnswer is what GET answers, and storedAnswer what PUT does.
type viewsAnswer struct {
	Version uint64  `json:"version"`
	At      *string `json:"at"`
	Views   []view  `json:"views"`
}

type storedAnswer struct {
	Version uint64 `json:"version"`
	Rows    int    `json:"rows"`
}

// view is a name for an address of the page.
type view struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// ownerOf is whose views a request is about: those of its key. A session acts for the key that it was begun with.
func ownerOf(ctx context.Context) keys.Owner {
	caller := answer.CallerOf(ctx)
	return keys.Owner{Account: caller.Account, KeyID: caller.KeyID}
}

// get serves GET /v1/views.
func (v *Views) get(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), v.db.QueryTime)
	defer cancel()
	stored, err := keys.ReadViews(v.db.Settings(ctx), v.db.Conn, ownerOf(ctx))
	if err != nil {
		return err
	}
	reply := viewsAnswer{Version: stored.Version, Views: []view{}}
	if stored.Version > 0 {
		at := answer.TimeText(stored.AtMS)
		reply.At = &at
		if err := json.Unmarshal(stored.Body, &reply.Views); err != nil {
			return fmt.Errorf("read stored views: %w", err)
		}
	}
	c.Header("ETag", answer.VersionTag(stored.Version))
	c.PureJSON(http.StatusOK, reply)
	return nil
}

// put serves PUT /v1/views: the views replace those of the key as a whole, or nothing changes.
func (v *Views) put(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	current, conditional := p.IfMatch(c.Request)
	if err := p.Err(); err != nil {
		return err
	}
	list, err := v.read(c)
	if err != nil {
		return err
	}
	body, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("print views: %w", err)
	}
	end, err := v.db.Reads(c, &v.gate.Queries)
	if err != nil {
		return err
	}
	defer end()
	ifVersion := int64(schema.AnyVersion)
	if conditional {
		ifVersion = int64(current)
	}
	// From here on it does not matter whether the caller still waits.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), v.db.QueryTime)
	defer cancel()
	version, err := keys.StoreViews(ctx, v.db.Conn, ownerOf(ctx), body, v.db.Now().UnixMilli(), ifVersion)
	if errors.Is(err, schema.ErrVersionChanged) {
		return answer.NewProblem(http.StatusPreconditionFailed, "version-conflict",
			fmt.Sprintf("the views are not at version %d any more, nothing was changed: GET them, make your change to "+
				"that version and send it again", current)).Because(err)
	}
	if err != nil {
		return err
	}
	c.Header("ETag", answer.VersionTag(version))
	c.PureJSON(http.StatusOK, storedAnswer{version, len(list)})
	return nil
}
