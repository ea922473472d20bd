"""The staff door: Piccolo Admin at ``/admin/``, under the rules of the house."""
