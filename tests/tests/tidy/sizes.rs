//! How long files, functions and lines may be.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::source;

const FILE_LINES_MAX: usize = 450;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_COLUMNS_MAX: usize = 100;

#[derive(Default)]
struct Functions {
    too_long: Vec<(String, usize, usize)>,
}

impl Functions {
    fn look(&mut self, name: &syn::Ident, span: Span) {
        let (start, end) = (span.start().line, span.end().line);
        let lines = end - start + 1;
        if lines > FUNCTION_LINES_MAX {
            self.too_long.push((name.to_string(), start, lines));
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.look(&function.sig.ident, function.block.span());
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.look(&function.sig.ident, function.block.span());
        visit::visit_impl_item_fn(self, function);
    }
}

pub(crate) fn too_long() -> Vec<String> {
    let mut findings = Vec::new();
    for file in source::all() {
        let path = &file.path;
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            findings.push(format!("{path}: {lines} lines, at most {FILE_LINES_MAX}"));
        }
        for (number, line) in file.text.lines().enumerate() {
            let columns = line.chars().count();
            // Expected output stands as it is shown.
            if columns > LINE_COLUMNS_MAX && !file.is_test() {
                findings.push(format!("{path}:{}: {columns} columns", number + 1));
            }
        }
        let mut functions = Functions::default();
        functions.visit_file(&syn::parse_file(&file.text).unwrap());
        for (name, line, lines) in functions.too_long {
            findings.push(format!("{path}:{line}: fn {name} has {lines} lines"));
        }
    }
    findings
}
