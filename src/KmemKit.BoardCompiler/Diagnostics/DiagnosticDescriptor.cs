namespace KmemKit.BoardCompiler.Diagnostics;

/// <summary>One row of the table of diagnostics (<see cref="DiagnosticTable"/>).</summary>
/// <param name="Id"><c>KMK</c> and four digits; the thousands name the area (0 set-up, 1 devicetree, 2 policy, 3 layout, 4 MPU, 5 MMU, 6 SMMU and DMA).</param>
/// <param name="Title">The rule in a few words.</param>
/// <param name="DefaultSeverity">Severity of every report of it.</param>
/// <param name="MessageFormat">What is wrong, with <c>{0}</c>… for the names and hex ranges concerned.</param>
/// <param name="Help">What to do about it.</param>
public sealed record DiagnosticDescriptor(
    string Id, string Title, DiagnosticSeverity DefaultSeverity, string MessageFormat, string Help);
