package schema

import "github.com/nyaruka/phonenumbers"

// countryCacheSize bounds the memory of a decoder's cache. Regions are decided by a prefix of the number, but its length differs by
// plan, so whole numbers are cached.
const countryCacheSize = 1 << 17

// countries finds the region of phone numbers. It is not safe for concurrent use; each decoder has its own.
type countries struct {
	cache map[string]string
}

// region returns libphonenumber's ISO 3166 region of a number in E.164, or "" when it knows none.
func (c *countries) region(phone []byte) string {
	if r, ok := c.cache[string(phone)]; ok {
		return r
	}
	if c.cache == nil || len(c.cache) >= countryCacheSize {
		c.cache = make(map[string]string, 1024)
	}
	r := Country(string(phone))
	c.cache[string(phone)] = r
	return r
}

// Country returns libphonenumber's ISO 3166 region of a phone number in E.164, or "" when it knows none.
func Country(phone string) string {
	number, err := phonenumbers.Parse(phone, "ZZ")
	if err != nil {
		return ""
	}
	region := phonenumbers.GetRegionCodeForNumber(number)
	if region == "ZZ" || region == "001" {
		return ""
	}
	return region
}
