namespace FleetMdm.Api.Console;

/// <summary>A part of a list's filter.</summary>
/// <param name="Name">In the address.</param>
/// <param name="Value">As it stands in the address; null: it is not set.</param>
public sealed record FilterPart(string Name, string Words, string? Value)
{
    /// <summary>To choose one of; null: to be typed.</summary>
    public IReadOnlyList<(string Value, string Words)>? Options { get; init; }
    /// <summary>Values to be typed that are known.</summary>
    public IReadOnlyList<string>? Known { get; init; }
    /// <summary>An example of what can be typed.</summary>
    public string? Example { get; init; }
    /// <summary>The box that is always open.</summary>
    public bool Search { get; init; }
    /// <summary>Takes a line of its own.</summary>
    public bool Whole { get; init; }
    /// <summary>Stands behind "More filters", which is open while one of them is set.</summary>
    public bool Further { get; init; }
    /// <summary>One line below the box.</summary>
    public string? Help { get; init; }
    /// <summary>Why what was typed cannot be used; in the place of the help.</summary>
    public string? Problem { get; init; }

    /// <summary>What the list is filtered by, in words.</summary>
    public string Shown => Options?.FirstOrDefault(option => string.Equals(option.Value, Value, StringComparison.OrdinalIgnoreCase)).Words ?? Value ?? "";
}
