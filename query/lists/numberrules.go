package lists

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"kaskad/query/answer"
	"kaskad/schema"
	"kaskad/schema/rules"
)

// maxNumberRules is what a set of rules may weigh, in bytes: there are a handful.
const maxNumberRules = 64 << 10

// numberRulesKind is /v1/number-rules: when a number counts as dead (docs/definitions.md section 5). There is one set
// of rules for an account, and it is stored whole, so that a version says what was in force.
func numberRulesKind() referenceKind {
	kind := referenceKind{name: schema.ReferenceNumberRules, route: "number-rules", limit: maxNumberRules,
		verdicts: true,
		read: func(_ listForm, body []byte) (int, []byte, error) {
			own, err := readNumberRules(withoutEnvelope(body, schema.ReferenceNumberRules))
			if err != nil {
				return 0, nil, err
			}
			stored, err := json.Marshal(own)
			if err != nil {
				return 0, nil, fmt.Errorf("print number rules: %w", err)
			}
			return 1, stored, nil
		},
		show: func(list schema.Reference) ([]byte, error) {
			own := rules.Default
			if list.Version > 0 {
				var err error
				if own, err = rules.Parse(list.Body); err != nil {
					return nil, err
				}
			}
			return json.Marshal(own)
		},
	}
	describeNumberRules(&kind)
	return kind
}

// readNumberRules reads {"number_rules": {…}}. What is left out, or null, is as it is by default. The error is a
// *Problem that names every rule that is wrong.
func readNumberRules(body []byte) (rules.Rules, error) {
	own := rules.Default
	wrong := &answer.Params{}
	form := answer.NewProblem(http.StatusBadRequest, "bad-body",
		`nothing was changed: the body must be JSON such as {"number_rules": {"hard_mailings": 2}}`)
	if !utf8.Valid(body) || !json.Valid(body) {
		return own, form
	}
	found, seen := false, map[string]bool{}
	d := jx.DecodeBytes(body)
	err := d.Obj(func(d *jx.Decoder, name string) error {
		if name != schema.ReferenceNumberRules || found {
			wrong.Fail(answer.Shorten(name), `is unknown beside "number_rules", or there twice: leave it out`)
			return d.Skip()
		}
		found = true
		return d.Obj(func(d *jx.Decoder, name string) error {
			rule, lo, hi := own.Field(name)
			switch {
			case rule == nil:
				wrong.Unknown(name, "is unknown; ", rules.Names)
				return d.Skip()
			case seen[name]:
				wrong.Fail(name, "is there twice: leave one out")
				return d.Skip()
			case d.Next() == jx.Null:
				return d.Null()
			}
			seen[name] = true
			raw, err := d.Raw()
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(string(raw))
			if err != nil || strings.HasPrefix(string(raw), "+") {
				wrong.Fail(name, fmt.Sprintf("must be a whole number, %d…%d", lo, hi))
				return nil //nolint:nilerr // wrong reports it
			}
			*rule = n
			return nil
		})
	})
	if err != nil || !found {
		return own, form.Because(err)
	}
	if len(wrong.Errs) == 0 {
		own.Check(wrong.Fail)
	}
	if err := wrong.Err(); err != nil {
		reply := answer.NewProblem(http.StatusUnprocessableEntity, "bad-rules", "nothing was changed: "+err.Error())
		reply.Errors = wrong.Errs
		return own, reply
	}
	return own, nil
}
