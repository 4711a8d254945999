package numbers

import (
	"strings"

	"github.com/go-faster/jx"

	"kaskad/query/answer"
)

// emptyList is what most rows hold of both lists.
const emptyList = "[]"

// packedList reads the lists that rows.sql packs. What is cut off reads as nothing.
type packedList struct{ left string }

func (p *packedList) time() int64 {
	if len(p.left) < 8 {
		p.left = ""
		return 0
	}
	ms := int64(answer.LE64(p.left))
	p.left = p.left[8:]
	return ms
}

func (p *packedList) text() string {
	if len(p.left) < 2 || len(p.left) < 2+int(answer.LE16(p.left)) {
		p.left = ""
		return ""
	}
	end := 2 + int(answer.LE16(p.left))
	text := p.left[2:end]
	p.left = p.left[end:]
	return strings.ToValidUTF8(text, "\ufffd")
}

// reachableOn is the list of channels on which a recipient is reached beside those of the verdict's evidence.
func reachableOn(packed string) string {
	return packedRows(packed, func(out *jx.Encoder, list *packedList) {
		at := list.time()
		out.FieldStart("channel")
		out.Str(list.text())
		out.FieldStart("last_delivered_at")
		out.Str(answer.TimeText(at))
	})
}

// optOuts is the list of what a recipient has opted out of.
func optOuts(packed string) string {
	return packedRows(packed, func(out *jx.Encoder, list *packedList) {
		since := list.time()
		for _, name := range [...]string{"channel", "app", "sender", "kind"} {
			out.FieldStart(name)
			out.Str(list.text())
		}
		out.FieldStart("since")
		out.Str(answer.TimeText(since))
	})
}

// packedRows writes a packed list as JSON, object by object.
func packedRows(packed string, row func(*jx.Encoder, *packedList)) string {
	if packed == "" {
		return emptyList
	}
	var out jx.Encoder
	out.ArrStart()
	for list := (&packedList{packed}); list.left != ""; {
		out.ObjStart()
		row(&out, list)
		out.ObjEnd()
	}
	out.ArrEnd()
	return out.String()
}
