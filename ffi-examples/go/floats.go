package cala

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// The library refuses only floats with a fraction: 10.0 is written as 10, and 10.1 is not.
func refuseFloats(request any) error {
	switch request := request.(type) {
	case Posting:
		return refuseFloatsIn(request.Params, -1)
	case NewHold:
		return refuseFloatsIn(request.Params, -1)
	case TransactionPostManyRequest:
		for i, posting := range request.Postings {
			if err := refuseFloatsIn(posting.Params, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// index is the posting's in a batch, -1 without one.
func refuseFloatsIn(params Params, index int) error {
	for name, value := range params {
		place := floatIn(reflect.ValueOf(value), "/params/"+name)
		if place == "" {
			continue
		}
		if index >= 0 {
			place = fmt.Sprintf("/postings/%d%s", index, place)
		}
		failure := newError(ErrInvalid, "param.type", fmt.Sprintf(
			"param %s is or holds a float, which cannot hold every amount: pass a string", name))
		failure.PostingIndex = index
		failure.Details, _ = json.Marshal(map[string]string{"pointer": place, "param": name})
		return failure
	}
	return nil
}

// Where in a value a float is, as a JSON pointer; "" when there is none. What writes itself is no float.
func floatIn(value reflect.Value, pointer string) string {
	if !value.IsValid() {
		return ""
	}
	if value.CanInterface() {
		switch value.Interface().(type) {
		case json.Marshaler, encoding.TextMarshaler:
			return ""
		}
	}
	switch value.Kind() {
	case reflect.Float32, reflect.Float64:
		return pointer
	case reflect.Interface, reflect.Pointer:
		return floatIn(value.Elem(), pointer)
	case reflect.Slice, reflect.Array:
		for i := range value.Len() {
			if place := floatIn(value.Index(i), fmt.Sprintf("%s/%d", pointer, i)); place != "" {
				return place
			}
		}
	case reflect.Map:
		for entries := value.MapRange(); entries.Next(); {
			if place := floatIn(entries.Value(), fmt.Sprintf("%s/%v", pointer, entries.Key())); place != "" {
				return place
			}
		}
	case reflect.Struct:
		for i := range value.NumField() {
			field := value.Type().Field(i)
			if !field.IsExported() || field.Tag.Get("json") == "-" {
				continue
			}
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" {
				name = field.Name
			}
			if place := floatIn(value.Field(i), pointer+"/"+name); place != "" {
				return place
			}
		}
	}
	return ""
}
