// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package shop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// Replace makes data the content of a file, at once.
func Replace(path string, data []byte) error {
	next := path + ".next"
	if err := os.WriteFile(next, data, 0o644); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// ReadProducts reads the list of products.
func ReadProducts(d Directory) ([]Product, error) {
	data, err := os.ReadFile(d.Products())
	if err != nil {
		return nil, err
	}
	var products []Product
	if err := json.Unmarshal(data, &products); err != nil {
		return nil, fmt.Errorf("read %s: %w", d.Products(), err)
	}
	return products, nil
}

// ReadOrders reads the orders from offset on, a result of an earlier call or 0.
// It leaves out a last line that isn't complete yet, and returns the offset
// behind the last complete one.
func ReadOrders(d Directory, offset int) ([]Order, int, error) {
	data, err := os.ReadFile(d.Orders())
	if err != nil {
		return nil, offset, err
	}
	var orders []Order
	for offset < len(data) {
		line, _, complete := bytes.Cut(data[offset:], []byte("\n"))
		if !complete {
			break
		}
		var order Order
		if err := json.Unmarshal(line, &order); err != nil {
			return orders, offset, fmt.Errorf("read %s at byte %d: %w", d.Orders(), offset, err)
		}
		orders = append(orders, order)
		offset += len(line) + 1
	}
	return orders, offset, nil
}

// AppendOrder adds an order to the file. The caller is the only one to do so.
func AppendOrder(d Directory, order Order) error {
	line, err := json.Marshal(order)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(d.Orders(), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Close())
}
