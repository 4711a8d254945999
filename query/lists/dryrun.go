package lists

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/schema"
	"kaskad/schema/listfile"
)

// maxChanges is how many changes an answer lists; the counts are of all.
const maxChanges = 1000

// change is a row of a list before and after; before is null where it is added, and after where it is removed.
type change struct {
	List   string          `json:"list"`
	Change string          `json:"change"`
	Before listfile.Record `json:"before"`
	After  listfile.Record `json:"after"`
}

// dryRunAnswer says what a list would change, if it replaced the version named.
type dryRunAnswer struct {
	Account string `json:"account"`
	DryRun  bool   `json:"dry_run"`
	// Version is what the list was compared with, 0 for none.
	Version        uint64   `json:"version"`
	Rows           int      `json:"rows"`
	Added          int      `json:"added"`
	Removed        int      `json:"removed"`
	Changed        int      `json:"changed"`
	Unchanged      int      `json:"unchanged"`
	Changes        []change `json:"changes"`
	ChangesLeftOff int      `json:"changes_left_off"`
}

// dryRunParam reads parameter dry_run.
func dryRunParam(p *answer.Params) bool {
	given, found := p.One("dry_run")
	if found && given != "0" && given != "1" {
		p.Fail("dry_run", fmt.Sprintf("%q must be 1, to be told what would change, or 0", answer.Shorten(given)))
	}
	return given == "1"
}

// dryRun answers a PUT that is to change nothing: what a list that is whole and right would change.
func (l *Lists) dryRun(c *gin.Context, kind referenceKind, put listToPut) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), l.db.QueryTime)
	defer cancel()
	// Two lists and what they differ by are in memory at a time, as where a list is read.
	release, err := l.gate.Unpacking.Take(ctx)
	if err != nil {
		return err
	}
	defer release()
	current, found, err := schema.ReadReference(l.db.Settings(ctx), l.db.Conn, kind.name, put.account, 0)
	if err != nil {
		return err
	}
	if put.conditional && current.Version != put.current {
		return versionConflict(kind, put.current)
	}
	if !found {
		current.Body = nil
	}
	reply := dryRunAnswer{Account: put.account, DryRun: true, Version: current.Version, Rows: put.rows,
		Changes: []change{}}
	before, err := kind.parts(current)
	if err != nil {
		return err
	}
	after, err := kind.parts(schema.Reference{Account: put.account, Version: current.Version + 1, Body: put.body})
	if err != nil {
		return err
	}
	for i, list := range after {
		reply.add(list.name, listfile.Compare(list.keys, before[i].rows, list.rows))
	}
	c.Header("ETag", answer.VersionTag(current.Version))
	c.PureJSON(http.StatusOK, reply)
	return nil
}

func (r *dryRunAnswer) add(list string, d listfile.Difference) {
	r.Added, r.Removed, r.Changed = r.Added+d.Added, r.Removed+d.Removed, r.Changed+d.Changed
	r.Unchanged += d.Equal
	for _, c := range d.Changes {
		if len(r.Changes) == maxChanges {
			r.ChangesLeftOff++
			continue
		}
		what := "changed"
		switch {
		case c.Before == nil:
			what = "added"
		case c.After == nil:
			what = "removed"
		}
		r.Changes = append(r.Changes, change{list, what, c.Before, c.After})
	}
}

// part is one of the lists of a kind, or its setting as a list of one row without keys.
type part struct {
	name string
	keys []string
	rows []listfile.Record
}

// parts takes apart what is stored of a list, which is nothing where its version is 0. Every list of a kind has the
// same parts.
func (k referenceKind) parts(list schema.Reference) (all []part, err error) {
	if k.rows != nil {
		rows, err := k.rows(list)
		return []part{{k.name, k.keys, rows}}, err
	}
	body, setting := list.Body, ""
	if k.compared != nil {
		if body, err = k.compared(list); err != nil {
			return nil, err
		}
	}
	if k.setting != "" && body != nil {
		if body, setting, err = k.split(body); err != nil {
			return nil, err
		}
	}
	if k.members == nil {
		rows, err := readRows(k.name, body)
		if err != nil {
			return nil, err
		}
		all = []part{{k.name, k.keys, rows}}
	} else if all, err = k.memberParts(body); err != nil {
		return nil, err
	}
	if k.setting != "" {
		all = append(all, part{name: k.setting, rows: []listfile.Record{{k.setting: cmp.Or(setting, "UTC")}}})
	}
	return all, nil
}

func (k referenceKind) memberParts(body []byte) (all []part, err error) {
	var lists map[string]json.RawMessage
	if body != nil {
		if err := json.Unmarshal(body, &lists); err != nil {
			return nil, fmt.Errorf("read stored %s: %w", k.name, err)
		}
	}
	for _, name := range k.members {
		rows, err := readRows(k.name, lists[name])
		if err != nil {
			return nil, err
		}
		all = append(all, part{name, k.keys, rows})
	}
	return all, nil
}

func readRows(name string, array []byte) ([]listfile.Record, error) {
	if len(array) == 0 {
		return nil, nil
	}
	rows, err := listfile.ReadRecords(array)
	if err != nil {
		return nil, fmt.Errorf("read stored %s: %w", name, err)
	}
	return rows, nil
}
