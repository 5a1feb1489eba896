using FleetMdm.Api.Rest;
using FleetMdm.Storage.Filters;

namespace FleetMdm.Api.Devices;

/// <summary>The filter in words, as it comes from outside.</summary>
internal static class DeviceFilters
{
    /// <exception cref="ApiProblem">400, with the character that is to blame.</exception>
    public static DeviceExpression? Read(string field, string? filter, DateTimeOffset now)
    {
        if (filter is null) return null;
        try
        {
            return DeviceExpression.Parse(filter, now);
        }
        catch (FilterException e)
        {
            throw ApiProblem.Field(field, e.Message, ProblemCodes.InvalidFilter);
        }
    }

    /// <summary>The same text, when it can be read.</summary>
    /// <exception cref="ApiProblem">400, with the character that is to blame.</exception>
    public static string? Check(string field, string? filter) => Read(field, filter, DateTimeOffset.UnixEpoch)?.Text;
}
