namespace FleetMdm.Api.Console;

/// <summary>A part of a page with an address of its own.</summary>
/// <param name="Count">How many are in it; null: it is not counted.</param>
public sealed record Tab(string Path, string Words, bool Current, long? Count = null);
