// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Client is a customer of a running shop.
type Client struct {
	HTTP *http.Client
	// Catalog and Orders are the URLs of the two servers. Either may be empty if
	// it isn't asked.
	Catalog, Orders string
}

// StatusError is an answer other than the expected one.
type StatusError struct {
	// Code is the HTTP status code, Text what the server says about it.
	Code int
	Text string
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %s", e.Code, e.Text) }

// Products is what the shop sells.
func (c *Client) Products(ctx context.Context) ([]Product, error) {
	var products []Product
	err := c.do(ctx, http.MethodGet, c.Catalog+"/products", nil, &products)
	return products, err
}

// Product is one of them.
func (c *Client) Product(ctx context.Context, id string) (Product, error) {
	var product Product
	err := c.do(ctx, http.MethodGet, c.Catalog+"/products/"+url.PathEscape(id), nil, &product)
	return product, err
}

// Buy places an order and returns it as the shop has written it.
func (c *Client) Buy(ctx context.Context, product string, quantity int) (Order, error) {
	body, err := json.Marshal(Order{Product: product, Quantity: quantity})
	if err != nil {
		return Order{}, err
	}
	var order Order
	err = c.do(ctx, http.MethodPost, c.Orders+"/orders", body, &order)
	return order, err
}

// do sends a request and reads the answer into out.
func (c *Client) do(ctx context.Context, method, url string, body []byte, out any) (err error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %w", method, url, &StatusError{response.StatusCode, string(bytes.TrimSpace(answer))})
	}
	return json.Unmarshal(answer, out)
}
