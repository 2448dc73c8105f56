package clientjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Unmarshal is [json.Unmarshal] for a text that must be UTF-8. An error continues a
// sentence that begins with the text: "the body must be an object, not a list".
func Unmarshal(text []byte, v any) error {
	return decode(text, v, func(*json.Decoder) {})
}

// UnmarshalStrict is Unmarshal, and does not take fields that v does not have.
func UnmarshalStrict(text []byte, v any) error {
	return decode(text, v, (*json.Decoder).DisallowUnknownFields)
}

func decode(text []byte, v any, set func(*json.Decoder)) error {
	if !utf8.Valid(text) {
		return errors.New("must be UTF-8")
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return errors.New("is not JSON: there is nothing in it")
	}
	if !json.Valid(text) {
		return explain(json.Unmarshal(text, new(any)))
	}
	d := json.NewDecoder(bytes.NewReader(text))
	set(d)
	return explain(d.Decode(v))
}

// explain returns err in words for the client.
func explain(err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax) && strings.Contains(err.Error(), "unexpected end"):
		return errors.New("is not JSON: it ends too early")
	case errors.As(err, &syntax) && strings.Contains(err.Error(), "max depth"):
		return errors.New("is nested too deeply")
	case errors.As(err, &syntax) && strings.Contains(err.Error(), "after top-level value"):
		return fmt.Errorf("is not JSON: there is something after its end, at byte %d", syntax.Offset)
	case errors.As(err, &syntax):
		return fmt.Errorf("is not JSON: byte %d must not stand there", syntax.Offset)
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Errorf("must have %s as %s, not %s", kind(wrong.Type), wrong.Field, value(wrong.Value))
	case errors.As(err, &wrong):
		return fmt.Errorf("must be %s, not %s", kind(wrong.Type), value(wrong.Value))
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("must not have the field %s", field)
	}
	return errors.New("cannot be read")
}

// kind says what JSON a Go type stands for.
func kind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return kind(t.Elem())
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// value says what encoding/json has found instead.
func value(found string) string {
	what, number, _ := strings.Cut(found, " ")
	switch what {
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "bool":
		return "true or false"
	case "number":
		if number != "" {
			return number
		}
	}
	return "a " + what
}
