using Microsoft.AspNetCore.Components;

namespace FleetMdm.Api.Console;

/// <summary>A column of a table. The first one names the row, and links to it.</summary>
/// <param name="Name">In an address.</param>
/// <param name="Cell">One line: what is longer stands in the title.</param>
public sealed record Column<T>(string Name, string Words, RenderFragment<T> Cell)
{
    /// <summary>What the store sorts by; null: it does not by this.</summary>
    public string? Sort { get; init; }
    /// <summary>Figures, to the right.</summary>
    public bool Number { get; init; }
    /// <summary>Takes what is left of the width.</summary>
    public bool Wide { get; init; }
    /// <summary>Shown only when it is asked for.</summary>
    public bool Extra { get; init; }
}

/// <summary>Which columns of a table are shown, as it stands in an address: names with dots between them.</summary>
public sealed class ColumnChoice
{
    public const string Query = "columns";

    private const char Between = '.';
    private readonly string? _chosen;

    private ColumnChoice(string? chosen) => _chosen = chosen;

    public static ColumnChoice Of(string? chosen) => new(string.IsNullOrWhiteSpace(chosen) ? null : chosen);

    /// <summary>For an address; null: the usual ones.</summary>
    public override string? ToString() => _chosen;

    /// <summary>The first one always: it names the row. A name that nobody knows is left out.</summary>
    public IReadOnlyList<Column<T>> Shown<T>(IReadOnlyList<Column<T>> all) =>
        [.. all.Where((column, i) => i == 0 || Shows(column))];

    /// <summary>The choice with this column shown if it was not, or the other way round.</summary>
    public string? Turned<T>(IReadOnlyList<Column<T>> all, Column<T> column)
    {
        var shown = all.Skip(1).Where(one => one == column ? !Shows(one) : Shows(one)).ToList();
        return shown.SequenceEqual(all.Skip(1).Where(one => !one.Extra)) ? null : shown.Count == 0 ? all[0].Name : string.Join(Between, shown.Select(one => one.Name));
    }

    private bool Shows<T>(Column<T> column) => _chosen is null ? !column.Extra : _chosen.Split(Between).Contains(column.Name, StringComparer.Ordinal);
}
