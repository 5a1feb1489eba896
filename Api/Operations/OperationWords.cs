using System.Globalization;
using FleetMdm.Api.Commands;

namespace FleetMdm.Api.Operations;

/// <summary>Operations in words for people.</summary>
internal static class OperationWords
{
    /// <summary>What an operation does: the command, and of a profile of the library its name.</summary>
    public static string What(OperationSummary operation) =>
        CommandWords.Of(operation.RequestType, operation.Target?.Profile);

    /// <summary>Which iPads an operation is for.</summary>
    public static string Of(OperationTargetView? target)
    {
        if (target is null) return "not kept";
        if (target.Ids is not null) return target.IdCount == 1 ? "1 iPad by its id" : string.Create(CultureInfo.InvariantCulture, $"{target.IdCount} iPads by their ids");
        if (target.FailedOf is not null) return "iPads on which another operation failed";
        if (target.HoldersOf is { } profile) return $"iPads that have the profile \u201c{profile}\u201d";
        if (target.Filter is not { } filter) return "every enrolled iPad";
        List<string> parts = [];
        void Add(string name, string? value)
        {
            if (value is not null) parts.Add($"{name} {value}");
        }

        Add("search", filter.Q is { } q ? $"\u201c{q}\u201d" : null);
        Add("status", filter.Status);
        Add("school", filter.School);
        Add("model", filter.ProductName);
        Add("iPadOS", filter.OsVersion);
        Add("serial number", filter.SerialNumber);
        Add("kind", filter.Kind);
        Add("not seen since", filter.SeenBefore?.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture));
        Add("seen since", filter.SeenAfter?.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture));
        Add("filter", filter.Filter);
        return "iPads with " + string.Join(", ", parts);
    }
}
