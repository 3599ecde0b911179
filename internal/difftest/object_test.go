package difftest

import (
	"fmt"
	"strings"
)

// object is a JSON object as raw text, so that it can be what no encoder would write.
type object []member

// member has its name and its value as JSON.
type member struct{ name, value string }

var (
	goodHeader  = object{{`"alg"`, `"EdDSA"`}, {`"typ"`, `"at+jwt"`}, {`"kid"`, `"ed"`}}
	goodPayload = object{
		{`"iss"`, `"https://id.example.com"`},
		{`"sub"`, `"alice"`},
		{`"aud"`, `"todo-api"`},
		{`"iat"`, fmt.Sprint(now - 100)},
		{`"exp"`, fmt.Sprint(now + 200)},
		{`"jti"`, `"one"`},
		{`"scope"`, `"todos:read todos:write"`},
	}
)

// String writes the object.
func (o object) String() string {
	var text strings.Builder
	text.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(m.name)
		text.WriteByte(':')
		text.WriteString(m.value)
	}
	text.WriteByte('}')
	return text.String()
}

// with returns a copy in which a member has the value; "" takes the member out.
func (o object) with(name, value string) object {
	var changed object
	for _, m := range o {
		if m.name != `"`+name+`"` {
			changed = append(changed, m)
		}
	}
	if value != "" {
		changed = append(changed, member{`"` + name + `"`, value})
	}
	return changed
}
