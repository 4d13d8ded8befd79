/** Layout of the page's JavaScript and CSS: `make format-javascript` applies it, `make check` compares. */

export default { printWidth: 120 };
