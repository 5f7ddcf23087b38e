// rq-dashboard's templates put what jobs carry into its pages as HTML. Have `<%= %>` escape, as `<%- %>` does,
// except where the template has escaped by itself with $('<div/>').text(…).html().
_.templateSettings = {
  escape: /<%[-=](?!\s*\$\('<div\/>'\)\.text\()([\s\S]+?)%>/g,
  interpolate: /<%=([\s\S]+?)%>/g,
  evaluate: /<%([\s\S]+?)%>/g,
};
