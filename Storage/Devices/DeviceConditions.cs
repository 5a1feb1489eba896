using FleetMdm.Storage.Filters;

namespace FleetMdm.Storage.Devices;

/// <summary>Turns a filter into conditions on <c>devices d</c> and <c>device_activity a</c>.</summary>
internal static class DeviceConditions
{
    /// <returns>Conditions that each begin with AND; empty for an empty filter.</returns>
    public static string Of(DeviceFilter filter, Database database)
    {
        var sql = new List<string>();
        if (!string.IsNullOrEmpty(filter.Query))
            sql.Add(database.Search("@query"));
        if (filter.Status is not null)
            sql.Add("d.status = @status");
        if (filter.School is not null)
            sql.Add("d.school = @school");
        if (filter.ProductName is not null)
            sql.Add("d.product_name = @productName");
        if (filter.OsVersion is { } version)
            // Everything that begins with "18." sorts from "18." to before "18/", the next character.
            sql.Add(version.EndsWith('.') ? "d.os_version >= @osVersion AND d.os_version < @osVersionEnd" : "d.os_version = @osVersion");
        if (filter.SerialNumber is not null)
            sql.Add("d.serial_number = @serialNumber");
        if (filter.Kind is not null)
            sql.Add("d.kind = @kind");
        if (filter.SeenBefore is not null)
        {
            // One that was never seen, or that enrolled since, has not been away that long: what last_seen_at says may be about an earlier enrolment.
            sql.Add("a.last_seen_at < @seenBefore");
            sql.Add("(d.authenticated_at IS NULL OR d.authenticated_at < @seenBefore)");
            sql.Add("(d.enrolled_at IS NULL OR d.enrolled_at < @seenBefore)");
        }

        if (filter.SeenAfter is not null)
            sql.Add("a.last_seen_at > @seenAfter");
        if (filter.Expression is { } expression)
            sql.Add(FilterSql.Of(expression.Node, expression.Now, database).Condition);
        if (filter.Scope.SchoolIds is not null)
            sql.Add(filter.Scope.CoversDevice(database));
        return string.Concat(sql.Select(condition => " AND " + condition));
    }

    public static void Bind(Statement statement, DeviceFilter filter)
    {
        if (!string.IsNullOrEmpty(filter.Query))
            statement.Text("@query", filter.Query.ToLowerInvariant());
        if (filter.Status is { } status)
            statement.Short("@status", (short)status);
        if (filter.School is not null)
            statement.Text("@school", filter.School);
        if (filter.ProductName is not null)
            statement.Text("@productName", filter.ProductName);
        if (filter.OsVersion is { } version)
        {
            statement.Text("@osVersion", version);
            if (version.EndsWith('.'))
                statement.Text("@osVersionEnd", version[..^1] + "/");
        }

        if (filter.SerialNumber is not null)
            statement.Text("@serialNumber", filter.SerialNumber);
        if (filter.Kind is { } kind)
            statement.Short("@kind", (short)kind);
        if (filter.SeenBefore is not null)
            statement.Time("@seenBefore", filter.SeenBefore);
        if (filter.SeenAfter is not null)
            statement.Time("@seenAfter", filter.SeenAfter);
        if (filter.Expression is { } expression)
            FilterSql.Of(expression.Node, expression.Now, statement.Database).Bind(statement);
        statement.Within(filter.Scope);
    }

    public static void Check(DeviceFilter filter)
    {
        StoredText.Check("The search", filter.Query);
        StoredText.Check("The school", filter.School);
        StoredText.Check("The product name", filter.ProductName);
        StoredText.Check("The OS version", filter.OsVersion);
        StoredText.Check("The serial number", filter.SerialNumber);
    }
}
