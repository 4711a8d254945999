package simulate

import (
	"fmt"
	"strings"
)

// ErrorMapLine says what an error code of a provider means: its reason class. The provider "*" stands for all that have no line of their own.
type ErrorMapLine struct {
	Provider string `json:"provider"`
	Code     string `json:"code"`
	Class    string `json:"class"`
}

// shippedCodes are the codes that the model knows without an account's own lines, as "class: code, code …" by provider. They are some of
// those that Kaskad ships.
var shippedCodes = [...]struct{ provider, class, codes string }{
	// MAP and GSM 04.08, as many routes report them.
	{"*", "unknown_subscriber", "1 5 144"},
	{"*", "absent_subscriber", "6 27"},
	{"*", "barred", "9 12 13"},
	{"*", "not_sms_capable", "11 21"},
	{"*", "handset_busy", "31"},
	{"*", "unknown", "32"},
	{"*", "memory_full", "256"},
	{"*", "system_failure", "34 35 36"},
	{"*", "network_congestion", "33 51"},
	{"*", "roaming", "8"},

	{"twilio", "absent_subscriber", "30003"},
	{"twilio", "unknown_subscriber", "30005"},
	{"twilio", "not_sms_capable", "30006"},
	{"twilio", "spam_filtered", "30007"},
	{"twilio", "opted_out", "21610"},
	{"fcm", "app_uninstalled", "UNREGISTERED"},
	{"apns", "app_uninstalled", "Unregistered"},
	{"apns", "token_invalid", "BadDeviceToken DeviceTokenNotForTopic"},
	{"viber", "channel_not_registered", "SRVC_NOT_VIBER_USER SRVC_NO_SUITABLE_DEVICE"},
	{"viber", "blocked_by_user", "SRVC_USER_BLOCKED"},
	{"whatsapp", "channel_not_registered", "131026"},
	{"whatsapp", "window_closed", "131047"},
	{"meta", "channel_not_registered", "131026"},
	{"meta", "frequency_capped", "131049"},
}

// isHard and isSoft tell the classes that count towards a number's death. All others never do.
func isHard(class string) bool {
	return oneOf(class, "unknown_subscriber", "not_sms_capable", "deactivated", "invalid_format")
}

func isSoft(class string) bool {
	return oneOf(class, "absent_subscriber", "memory_full", "handset_busy", "barred", "roaming", "expired", "unknown")
}

// errorMap is what an account's codes mean.
type errorMap map[errorKey]string

type errorKey struct{ provider, code string }

// errorMaps returns a function that finds the map of an account: the shipped one, in which the account's own lines replace those of the same
// provider and code.
func errorMaps(own map[string][]ErrorMapLine) (func(account string) errorMap, error) {
	shipped := make(errorMap)
	for _, line := range shippedCodes {
		for _, code := range strings.Fields(line.codes) {
			shipped[errorKey{line.provider, code}] = line.class
		}
	}
	maps := make(map[string]errorMap)
	for account, lines := range own {
		merged := make(errorMap)
		for key, class := range shipped {
			merged[key] = class
		}
		for _, line := range lines {
			code := strings.TrimLeft(line.Code, "0")
			if line.Provider == "" || code == "" || line.Class == "" {
				return nil, fmt.Errorf("error map of %s: %+v lacks a provider, a code or a class", account, line)
			}
			merged[errorKey{line.Provider, code}] = line.Class
		}
		maps[account] = merged
	}
	return func(account string) errorMap {
		if own, found := maps[account]; found {
			return own
		}
		return shipped
	}, nil
}

// foldReason merges what the failure in m.wire says of its reason.
func (m *Model) foldReason(a *attempt) {
	if code := strings.TrimLeft(m.wire.ErrorCode, "0"); code > m.strings[a.errorCode] {
		a.errorCode = m.intern(code)
	}
	a.permanent = a.permanent || m.wire.Permanent == saidTrue
}

// class returns the reason class of a failed attempt.
func (m *Model) class(a *attempt, codes errorMap) string {
	code := m.strings[a.errorCode]
	if code == "" {
		if a.times[expired] != 0 || a.multipart != nil && a.multipart.expired {
			return "expired"
		}
		return "unknown"
	}
	if class, found := codes[errorKey{m.strings[a.dims[dimProvider]], code}]; found {
		return class
	}
	if class, found := codes[errorKey{"*", code}]; found {
		return class
	}
	if a.permanent {
		return "unknown_subscriber"
	}
	return "unknown"
}
