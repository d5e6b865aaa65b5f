// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// The interpreter looks at its limits between steps, and a single step can make
// a value that's larger than memory: "x" * 1000000000. So those operators and
// methods whose result can be much larger than what they're given are handed to
// the evaluation, which looks at the sizes first. In the syntax tree of a file
//
//	x * y       becomes  operator * (x, y)
//	x *= y      becomes  x *= operand * (y,)
//	x.join(y)   becomes  (receiver * (x,)).join(y)
//
// with values that define the operators. Positions stay as they are, and no
// call is added to a traceback.

// The names of these values can't be written in a Tiltfile.
const (
	operatorName = "(operator)"
	operandName  = "(operand)"
	receiverName = "(receiver)"
)

// guardedOperators are the operators that are looked at, guardedMethods are the
// methods.
var (
	guardedOperators  = []syntax.Token{syntax.PLUS, syntax.STAR, syntax.PERCENT}
	augmentedOperator = map[syntax.Token]bool{syntax.PLUS_EQ: true, syntax.STAR_EQ: true}
	guardedMethods    = []string{"extend", "format", "join", "replace"}
)

// guardLibrary has the values by their unspeakable names.
func (e *evaluation) guardLibrary() library {
	return library{
		operatorName: wrapper{"operator", func(op syntax.Token, operands starlark.Tuple) (starlark.Value, error) {
			return e.operate(op, operands[0], operands[1])
		}},
		operandName: wrapper{"operand", func(_ syntax.Token, operands starlark.Tuple) (starlark.Value, error) {
			return operand{operands[0], e}, nil
		}},
		receiverName: wrapper{"receiver", func(_ syntax.Token, operands starlark.Tuple) (starlark.Value, error) {
			return receiver{operands[0], e}, nil
		}},
	}
}

// guard changes the syntax tree of a file. It returns an error for a tree that's
// so deep that compiling it could overflow the stack.
func guard(file *syntax.File) (err error) {
	const maxDepth = 100_000
	depth := 0
	syntax.Walk(file, func(n syntax.Node) bool {
		if n == nil {
			depth--
			return false
		}
		if depth == maxDepth {
			err = syntax.Error{Pos: syntax.Start(n), Msg: "the code is nested too deeply"}
		}
		if err != nil {
			return false
		}
		depth++
		switch n := n.(type) {
		case *syntax.BinaryExpr:
			if slices.Contains(guardedOperators, n.Op) && !guarded(n) {
				*n = *wrapped(operatorName, n.Op, n.OpPos, n.X, n.Y)
			}
		case *syntax.AssignStmt:
			if augmentedOperator[n.Op] {
				n.RHS = wrapped(operandName, syntax.STAR, n.OpPos, n.RHS)
			}
		case *syntax.DotExpr:
			if slices.Contains(guardedMethods, n.Name.Name) {
				n.X = wrapped(receiverName, syntax.STAR, n.Dot, n.X)
			}
		}
		return true
	})
	return err
}

// wrapped makes the expression that hands operands to one of the values.
func wrapped(name string, op syntax.Token, position syntax.Position, operands ...syntax.Expr) *syntax.BinaryExpr {
	return &syntax.BinaryExpr{
		X:     &syntax.Ident{NamePos: position, Name: name},
		OpPos: position,
		Op:    op,
		Y:     &syntax.TupleExpr{List: operands},
	}
}

// guarded is true for an expression that wrapped made.
func guarded(n *syntax.BinaryExpr) bool {
	ident, ok := n.X.(*syntax.Ident)
	return ok && ident.Name[0] == '('
}

// wrapper is a value that's only there for what its operators do.
type wrapper struct {
	name string
	do   func(op syntax.Token, operands starlark.Tuple) (starlark.Value, error)
}

var _ starlark.HasBinary = wrapper{}

// Binary implements starlark.HasBinary.
func (w wrapper) Binary(op syntax.Token, y starlark.Value, _ starlark.Side) (starlark.Value, error) {
	return w.do(op, y.(starlark.Tuple))
}

func (w wrapper) String() string        { return w.name }
func (w wrapper) Type() string          { return w.name }
func (w wrapper) Freeze()               {}
func (w wrapper) Truth() starlark.Bool  { return true }
func (w wrapper) Hash() (uint32, error) { return 0, nil }
