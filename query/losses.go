package query

import (
	"kaskad/query/answer"
	"kaskad/schema"
)

// lossStatus is what is lost on disk, and neither back nor accepted.
type lossStatus struct {
	BrokenParts []brokenPart `json:"broken_parts"`
	Hours       []lostHour   `json:"hours"`
	// Rereading counts orders to read the topic again that are not carried out yet.
	Rereading uint64 `json:"rereading"`
}

type brokenPart struct {
	Table string `json:"table"`
	Part  string `json:"part"`
}

type lostHour struct {
	Account   string `json:"account"`
	Hour      string `json:"hour"`
	Published uint64 `json:"published"`
	Found     uint64 `json:"found"`
}

func lossesOf(l *schema.Losses) lossStatus {
	shown := lossStatus{BrokenParts: []brokenPart{}, Hours: []lostHour{}, Rereading: l.Rereading}
	for _, p := range l.Parts {
		shown.BrokenParts = append(shown.BrokenParts, brokenPart{p.Table, p.Part})
	}
	for _, h := range l.Hours {
		shown.Hours = append(shown.Hours,
			lostHour{h.Account, answer.TimeText(h.Bucket.UnixMilli()), h.Published, h.Found})
	}
	return shown
}
