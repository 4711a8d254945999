package model

import (
	"strings"
	"unicode/utf16"
)

// The characters of GSM 03.38: those of one septet, and those of two.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

// textSegments measures a text as SMS: one of 160 septets or several of 153, and where a character is not of the GSM
// alphabet one of 70 or several of 67 units of UTF-16. No character is cut in two. An empty text takes none.
func textSegments(text string) int {
	if text == "" {
		return 0
	}
	var septets, units []int // By character.
	gsm := true
	for _, c := range text {
		units = append(units, utf16.RuneLen(c))
		switch {
		case strings.ContainsRune(gsmBasic, c):
			septets = append(septets, 1)
		case strings.ContainsRune(gsmExtension, c):
			septets = append(septets, 2)
		default:
			gsm = false
		}
	}
	if gsm {
		return parts(septets, 160, 153)
	}
	return parts(units, 70, 67)
}

func parts(lengths []int, single, part int) int {
	total := 0
	for _, n := range lengths {
		total += n
	}
	if total <= single {
		return 1
	}
	count, room := 1, part
	for _, n := range lengths {
		if n > room {
			count, room = count+1, part
		}
		room -= n
	}
	return count
}
