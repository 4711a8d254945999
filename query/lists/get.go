package lists

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/go-faster/jx"

	"kaskad/query/answer"
	"kaskad/schema"
)

// getReference serves GET /v1/{kind}: the account's list, now or as it was at a version.
func (l *Lists) getReference(c *gin.Context, kind referenceKind) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	var account string
	if kind.forAll {
		var given bool
		if account, given = p.One("account"); given {
			p.CheckAccount(account)
		}
	} else {
		account = accountParam(p, kind)
	}
	version, _ := versionParam(p, "version")
	form := listJSON
	if kind.write != nil {
		form = listFormOf(p, c.Request)
	} else if name, given := p.One("format"); given && name != "json" {
		p.Fail("format", fmt.Sprintf("%q is no format of %s; it must be json", answer.Shorten(name), kind.name))
	}
	marked := p.BOM(form == listCSV)
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), l.db.QueryTime)
	defer cancel()
	list, found, err := schema.ReadReference(l.db.Settings(ctx), l.db.Conn, kind.name, account, version)
	if err != nil {
		return err
	}
	at := answer.Null
	if !found {
		list.Body = []byte("[]")
	} else {
		at = answer.Instant(list.AtMS)
	}
	setting := ""
	if kind.setting != "" {
		if list.Body, setting, err = kind.split(list.Body); err != nil {
			return fmt.Errorf("show %s: %w", kind.name, err)
		}
	}
	if kind.show != nil {
		if list.Body, err = kind.show(list); err != nil {
			return fmt.Errorf("show %s: %w", kind.name, err)
		}
	}
	c.Header("ETag", answer.VersionTag(list.Version))
	if form != listJSON {
		body, err := kind.write(form, list.Body)
		if err != nil {
			return err
		}
		if form == listYAML && setting != "" {
			body = slices.Concat([]byte(kind.setting+": "+setting+"\n"), body)
		}
		if marked {
			body = slices.Concat([]byte(answer.ByteOrderMark), body)
		}
		c.Header("Kaskad-Version", strconv.FormatUint(list.Version, 10))
		if found {
			c.Header("Kaskad-At", at.Plain())
		}
		c.Data(http.StatusOK, form.contentType(), body)
		return nil
	}
	var out jx.Encoder
	out.ObjStart()
	out.FieldStart("account")
	if account == "" {
		answer.Null.Encode(&out)
	} else {
		answer.Text(account).Encode(&out)
	}
	out.FieldStart("version")
	answer.Count(list.Version).Encode(&out)
	out.FieldStart("at")
	at.Encode(&out)
	if kind.setting != "" {
		out.FieldStart(kind.setting)
		answer.Text(cmp.Or(setting, "UTC")).Encode(&out)
	}
	if err := kind.lists(&out, list.Body); err != nil {
		return err
	}
	out.ObjEnd()
	c.Data(http.StatusOK, form.contentType(), out.Bytes())
	return nil
}

// referenceVersions serves GET /v1/{kind}/versions: who replaced the account's list and when, newest first.
func (l *Lists) referenceVersions(c *gin.Context, kind referenceKind) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	account, limit, format := accountParam(p, kind), p.Limit(), p.Format(c.Request)
	hash := answer.QueryHash(kind.name, "versions", account)
	before := uint64(0)
	if at := l.db.Cursors.Read(c.Request.Context(), p, hash, 1); at != nil {
		if before, err = strconv.ParseUint(string(at.After[0]), 10, 64); err != nil {
			p.Fail("cursor", "cannot be read: start again without a cursor")
		}
	}
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), l.db.QueryTime)
	defer cancel()
	versions, err := schema.ReferenceHistory(l.db.Settings(ctx), l.db.Conn, kind.name, account, before, limit+1)
	if err != nil {
		return err
	}
	var next *answer.Cursor
	if len(versions) > limit {
		versions = versions[:limit]
		next = &answer.Cursor{Query: hash, After: [][]byte{strconv.AppendUint(nil, versions[limit-1].Version, 10)}}
	}
	t := answer.NewList(format, versionColumns)
	for _, v := range versions {
		t.Add([]answer.Value{answer.Count(v.Version), answer.Moment(v.AtMS), answer.Text(v.By),
			answer.Count(uint64(v.Rows)), answer.Text(v.Note), answer.Text(v.Why)})
	}
	return t.SendPage(c, []answer.Member{{Name: "account", Value: answer.Text(account)}}, l.db.Cursors, next)
}
