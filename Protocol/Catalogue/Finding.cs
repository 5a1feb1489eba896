namespace FleetMdm.Protocol.Catalogue;

/// <summary>Something that was noticed about one place of a command or a payload.</summary>
/// <param name="Field">Where, as a JSON pointer: <c>/settings/0/enabled</c>; for property lists the same with Apple's keys. Empty: the whole.</param>
/// <param name="Message">What is wrong, or odd, and what would be right.</param>
public sealed record Finding(string Field, string Message);

/// <summary>What a look at a command or a payload found.</summary>
/// <param name="Problems">An iPad would not understand it: a wrong type, a value out of range, a missing key.</param>
/// <param name="Warnings">It may be right, but no schema knows it: a key or a query that is not in the catalogue.</param>
public sealed record Findings(IReadOnlyList<Finding> Problems, IReadOnlyList<Finding> Warnings)
{
    public static readonly Findings None = new([], []);
}
