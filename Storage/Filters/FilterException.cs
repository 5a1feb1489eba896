namespace FleetMdm.Storage.Filters;

/// <summary>A filter that cannot be read.</summary>
/// <param name="position">Of the character that is to blame, from 0; the length of the text for what is missing at its end.</param>
/// <param name="fault">A sentence for people.</param>
public sealed class FilterException(int position, string fault) : WorkRefusedException($"At character {position + 1}: {fault}")
{
    public int Position { get; } = position;

    public string Fault { get; } = fault;

    /// <summary>Of two filters that were sent together, it is the exception.</summary>
    public bool IsOfException { get; init; }
}
