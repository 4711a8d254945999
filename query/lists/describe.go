package lists

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/schema/rules"
)

// stored is what PUT answers.
type stored struct {
	Account string `json:"account"`
	Version uint64 `json:"version"`
	Rows    int    `json:"rows"`
}

// versionColumns are the columns of who replaced a list and when.
var versionColumns = []answer.Column{{Name: "version", Type: answer.CountColumn},
	{Name: "at", Type: answer.TimeColumn}, {Name: "by"}, {Name: "rows", Type: answer.CountColumn},
	{Name: "note", Text: "That of the key, where it is the account's own"},
	{Name: "why", Text: "What who put it said of it, empty for nothing"}}

// unmappedColumns are the columns of codes that no line knows.
var unmappedColumns = []answer.Column{{Name: "provider"}, {Name: "error_code"}, {Name: "channel"},
	{Name: "guess", Text: "The class that it is taken for, as a guess", Null: "when nobody knows"},
	{Name: "count", Type: answer.CountColumn, Text: "Failed attempts of the period"}}

// dryRunSchema is what a PUT with dry_run answers.
func dryRunSchema() *answer.Schema {
	s := answer.Typed[dryRunAnswer]()
	of := s.Properties["changes"].Items
	of.Properties["change"] = answer.OneOf("added", "removed", "changed")
	for _, name := range []string{"before", "after"} {
		of.Properties[name] = &answer.Schema{Types: []string{"object", "null"}}
	}
	return s
}

// kindRoutes are the routes of a kind.
func (l *Lists) kindRoutes(kind referenceKind, try string) []answer.Route {
	path, account := kind.path(), answer.AccountParam("Whose list.")
	get := answer.Get(answer.ForAnalysts, path, func(c *gin.Context) error { return l.getReference(c, kind) }, try)
	versions := answer.Get(answer.ForAnalysts, path+"/versions",
		func(c *gin.Context) error { return l.referenceVersions(c, kind) })
	put := answer.Route{Method: http.MethodPut, Path: path, For: answer.ForAdmins,
		Serve: func(c *gin.Context) error { return l.putReference(c, kind) },
		Errors: answer.Errors{http.StatusPreconditionFailed: "the list is not at the version any more that it was to " +
			"replace",
			http.StatusUnprocessableEntity: "rows are wrong; `errors` names each with its row, line and field"}}
	tag := answer.Param{Name: "ETag", Text: "The version in quotes."}
	put = put.Says(answer.TagLists, "Replace the "+kind.title, kind.about, slices.Concat([]answer.Param{account,
		{Name: "if_version", Text: "Replace this version and no other.", Schema: answer.Whole(0, 1<<53)},
		{Name: "If-Match", In: answer.InHeader, Text: "The ETag of a GET, in place of if_version.",
			Schema: answer.AnyText()},
		{Name: "dry_run", Text: "1 stores nothing, and tells what the list would change.",
			Schema: answer.OneOf("0", "1"), Example: "1"},
		{Name: "why", Text: "What it is for, as the versions show it.",
			Schema: &answer.Schema{Type: "string", MaxLength: new(maxWhy)}}}, kind.settingParams()),
		answer.Answer{Text: "The list is stored, or what it would change.", Headers: []answer.Param{tag},
			Of: &answer.Schema{AnyOf: []*answer.Schema{answer.Typed[stored](), dryRunSchema()}}})
	wrong := answer.ObjectOf(answer.Column{Name: "errors", Of: answer.ListOf(answer.Typed[rowProblem]())})
	put.Besides = map[int]*answer.Schema{http.StatusBadRequest: wrong, http.StatusUnprocessableEntity: wrong}
	put.Body = &answer.Body{Of: answer.ObjectOf(append([]answer.Column{
		// What GET gave may be sent back as it is.
		{Name: "account", Optional: true}, {Name: "version", Type: answer.CountColumn, Optional: true},
		{Name: "at", Type: answer.TimeColumn, Null: answer.NullSaid, Optional: true}}, kind.putMembers()...)...),
		Example: kind.example, Media: kind.media()}
	return []answer.Route{
		get.Says(answer.TagLists, "The "+kind.title, "", slices.Concat([]answer.Param{account,
			{Name: "version", Text: "The list as it was at this version.", Schema: answer.Whole(0, 1<<53), Example: 0},
		}, kind.formParams()), answer.Answer{Text: "The list.", Media: kind.media(), Headers: []answer.Param{tag,
			{Name: "Kaskad-Version", Text: "version, in formats that have no place for it."},
			{Name: "Kaskad-At", Text: "at, in formats that have no place for it."}},
			Of: answer.ObjectOf(append([]answer.Column{{Name: "account", Null: "where no account was named"},
				{Name: "version", Type: answer.CountColumn, Text: "0 where none was put"},
				{Name: "at", Type: answer.TimeColumn, Null: "where none was put"}}, kind.getMembers()...)...)}),
		versions.Says(answer.TagLists, "Who replaced the "+kind.title+", and when", "Newest first.",
			append([]answer.Param{account}, answer.ListParams(false)...),
			answer.Answer{Text: "A page of versions.", Columns: versionColumns,
				Around: []answer.Column{{Name: "account"}}}),
		put}
}

// media are the content types of a list besides JSON.
func (k *referenceKind) media() []string {
	if k.write == nil {
		return nil
	}
	return []string{listYAML.contentType(), listCSV.contentType()}
}

func (k *referenceKind) formParams() []answer.Param {
	forms := listForms[:]
	if k.write == nil {
		forms = forms[:1]
	}
	params := answer.FormatParams()
	params[0].Schema, params[0].Example = answer.OneOf(forms...), forms[0]
	return params
}

func (k *referenceKind) settingParams() []answer.Param {
	if k.setting == "" {
		return nil
	}
	return []answer.Param{{Name: k.setting, Schema: answer.AnyText(), Example: "Europe/Moscow",
		Text: "The zone in which the account's providers close the month, where the body does not say."}}
}

// getMembers are the members of what GET shows besides those of every list.
func (k *referenceKind) getMembers() []answer.Column {
	if k.setting == "" {
		return k.shown
	}
	return append([]answer.Column{{Name: k.setting, Text: "The zone in which the account's providers close the month"}},
		k.shown...)
}

// putMembers are those of what PUT takes.
func (k *referenceKind) putMembers() []answer.Column {
	if k.setting == "" {
		return k.taken
	}
	return append([]answer.Column{{Name: k.setting, Optional: true}}, k.taken...)
}

// key is a key of a tariff.
func key(name string) answer.Column {
	return answer.Column{Name: name, Optional: true, Text: "Left out or * it matches anything"}
}

// describeTariffs and the like say what lists hold: as GET shows them and as PUT takes them.
func describeTariffs(k *referenceKind) {
	k.title, k.about = "price list of an account", "Replaces the list as a whole, or nothing. Every version stays."
	k.shown = []answer.Column{{Name: k.name, Of: answer.ListOf(answer.Typed[money.Tariff]())}}
	price := func(name, text string) answer.Column {
		return answer.Column{Name: name, Of: answer.Exact(), Optional: true, Null: answer.NullSaid, Text: text}
	}
	k.taken = []answer.Column{{Name: k.name, Of: answer.ListOf(answer.ObjectOf(
		answer.Column{Name: "channel", Of: answer.OneOf(schema.Channels.Names()...)}, key("provider"), key("operator"),
		key("country"), key("traffic"), key("sender"), key("app"),
		answer.Column{Name: "valid_from", Type: answer.TimeColumn, Text: "On a quarter hour"},
		answer.Column{Name: "valid_to", Type: answer.TimeColumn, Optional: true, Null: "without an end"},
		answer.Column{Name: "currency", Of: answer.Matching("^[A-Z]{3}$")},
		answer.Column{Name: "billing", Of: answer.OneOf(money.Billings...)},
		price("price", "May be left out where the billing is zero"),
		price("connect_price", "Goes with attempt_plus_connect"),
		price("monthly_minimum", "Per row, sender and month")))}}
	k.example = `{"tariffs":[{"channel":"sms","billing":"per_segment_sent","price":"2.00","currency":"RUB",` +
		`"valid_from":"2026-01-01T00:00:00Z"},{"channel":"push","billing":"per_message_delivered","price":"0.36",` +
		`"currency":"RUB","valid_from":"2026-01-01T00:00:00Z"}]}`
}

func describeTemplates(k *referenceKind) {
	k.title, k.about = "SMS segments of an account's templates", "Replaces the list as a whole, or nothing. A text is "+
		"measured and not stored."
	k.shown = []answer.Column{{Name: k.name, Of: answer.ListOf(answer.Typed[money.TemplateRow]())}}
	k.taken = []answer.Column{{Name: k.name, Of: answer.ListOf(answer.ObjectOf(answer.Column{Name: "template"},
		answer.Column{Name: "sms_segments", Optional: true, Of: answer.Whole(1, money.MaxTemplateSegments)},
		answer.Column{Name: "sms_text", Optional: true, Text: "In place of sms_segments"},
		answer.Column{Name: "valid_from", Type: answer.TimeColumn, Text: "On a quarter hour"},
		answer.Column{Name: "valid_to", Type: answer.TimeColumn, Optional: true, Null: "without an end"}))}}
	k.example = `{"templates":[{"template":"welcome","sms_segments":2,"valid_from":"2026-01-01T00:00:00Z"}]}`
}

func describeErrorMap(k *referenceKind) {
	k.title, k.about = "meaning of providers' error codes", "Replaces the lines and aliases that the account has over "+
		"the shipped ones. Verdicts on numbers are given anew."
	k.shown = []answer.Column{{Name: "lines", Of: answer.ListOf(answer.Typed[errormap.Row]())},
		{Name: "aliases", Of: answer.ListOf(answer.Typed[errormap.AliasRow]())}}
	k.taken = []answer.Column{{Name: "lines", Of: answer.ListOf(answer.Typed[errormap.Row]()), Optional: true},
		{Name: "aliases", Of: answer.ListOf(answer.Typed[errormap.AliasRow]()), Optional: true}}
	k.example = `{"lines":[{"provider":"smsc","code":"77","class":"absent_subscriber"}]}`
}

func describeNumberRules(k *referenceKind) {
	k.title, k.about = "rules by which numbers are dead",
		"What is left out is as it is by default. Verdicts on numbers are given anew."
	shown, taken := answer.Typed[rules.Rules](), answer.Typed[rules.Rules]()
	var all rules.Rules
	for _, name := range rules.Names {
		_, lo, hi := all.Field(name)
		shown.Properties[name] = answer.Whole(lo, hi)
		taken.Properties[name] = answer.OrNull(answer.Whole(lo, hi))
	}
	taken.Required = nil
	k.shown = []answer.Column{{Name: k.name, Of: shown}}
	k.taken = []answer.Column{{Name: k.name, Of: taken}}
	k.example = `{"number_rules":{"hard_mailings":2}}`
}
