// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

const (
	// maxText is the most bytes of a string that an operation makes.
	maxText = 64 << 20
	// maxElements is the most elements of a list that an operation makes.
	maxElements = 1 << 20
	// maxBits is the most bits of a product.
	maxBits = 1 << 20
)

// operate does what an operator does, unless the result were too large.
func (e *evaluation) operate(op syntax.Token, x, y starlark.Value) (starlark.Value, error) {
	if err := checkOperation(op, x, y); err != nil {
		return nil, err
	}
	z, err := starlark.Binary(op, x, y)
	if err != nil {
		return nil, err
	}
	return z, e.checkLarge(z)
}

// checkOperation returns an error if the result were too large.
func checkOperation(op syntax.Token, x, y starlark.Value) error {
	switch op {
	case syntax.PLUS:
		return checkLength(x, length(x)+length(y))
	case syntax.STAR:
		return checkProduct(x, y)
	case syntax.PERCENT:
		if format, ok := x.(starlark.String); ok {
			return checkFormat(string(format), "%", y)
		}
	}
	return nil
}

func checkProduct(x, y starlark.Value) error {
	n, isInt := x.(starlark.Int)
	if !isInt {
		x, y = y, x
		n, isInt = x.(starlark.Int)
	}
	if !isInt {
		return nil
	}
	if m, ok := y.(starlark.Int); ok {
		if n.BigInt().BitLen()+m.BigInt().BitLen() > maxBits {
			return fmt.Errorf("the product has more than %d bits", maxBits)
		}
		return nil
	}
	count, ok := n.Int64()
	if !ok || count > maxText {
		count = maxText + 1
	}
	return checkLength(y, length(y)*max(count, 0))
}

// checkFormat returns an error if what a format makes of values were too large.
// The verb is what begins each place where a value goes.
func checkFormat(format, verb string, values ...starlark.Value) error {
	m := newMeasure(maxText)
	if err := m.addAll(values...); err != nil {
		return err
	}
	used := int64(maxText - m.room)
	return checkLength(starlark.String(""), int64(len(format))+used*int64(strings.Count(format, verb)))
}

// checkLength returns an error for too long a value like v.
func checkLength(v starlark.Value, length int64) error {
	limit, unit := int64(maxElements), "elements"
	switch v.(type) {
	case starlark.String, starlark.Bytes:
		limit, unit = maxText, "bytes"
	}
	if length > limit {
		return fmt.Errorf("the result is too large: a %s of more than %d %s", v.Type(), limit, unit)
	}
	return nil
}

// length is how long a string or a list is, 0 for anything else.
func length(v starlark.Value) int64 {
	switch v := v.(type) {
	case starlark.String:
		return int64(len(v))
	case starlark.Bytes:
		return int64(len(v))
	case *starlark.List, starlark.Tuple:
		return int64(starlark.Len(v))
	}
	return 0
}

// checkLarge looks at the memory if a value is so large that a few of its kind
// would fill it before the limits are looked at again.
func (e *evaluation) checkLarge(v starlark.Value) error {
	const large = 1 << 17
	if length(v) < large {
		return nil
	}
	return e.checkMemory()
}

// operand is the right side of += and *=.
type operand struct {
	starlark.Value
	e *evaluation
}

var _ starlark.HasBinary = operand{}

// Binary implements starlark.HasBinary. A list is changed in place by +=.
func (o operand) Binary(op syntax.Token, x starlark.Value, _ starlark.Side) (starlark.Value, error) {
	list, isList := x.(*starlark.List)
	more, isIterable := o.Value.(starlark.Iterable)
	if op != syntax.PLUS || !isList || !isIterable {
		return o.e.operate(op, x, o.Value)
	}
	if err := checkLength(x, length(x)+max(int64(starlark.Len(more)), 0)); err != nil {
		return nil, err
	}
	for _, element := range slices.Collect(starlark.Elements(more)) {
		if err := list.Append(element); err != nil {
			return nil, err
		}
	}
	return list, o.e.checkLarge(list)
}
