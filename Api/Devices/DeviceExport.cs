using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Holdings;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Devices;

/// <summary>A list of iPads as CSV, page by page from the store: a file of any length costs the memory of one page.</summary>
internal sealed class DeviceExport(IFleetQueries fleet, HoldingService holders, DeviceFilter filter, IReadOnlyList<DeviceRow> first, FleetUser reader) : IResult
{
    public const int RowsAtATime = 1_000;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.ContentType = Csv.ContentType;
        response.Headers.ContentDisposition = "attachment; filename=\"ipads.csv\"";
        response.Headers.CacheControl = "no-store";
        var text = new StringBuilder();
        Csv.Row(text, "id", "kind", "status", "serialNumber", "deviceName", "productName", "model", "modelName", "osVersion", "buildVersion", "isSupervised",
            "batteryLevel", "deviceCapacity", "availableDeviceCapacity", "detailsAt", "userShortName", "userLongName", "school", "enrolledAt", "unenrolledAt", "lastSeenAt",
            "personId", "person", "personUntil");
        for (var rows = first; ; rows = await fleet.ListDevices(reader.Scope, filter, rows[^1].Id, RowsAtATime))
        {
            foreach (var device in await holders.With(reader, [.. rows.Select(row => DeviceSummary.Of(row, reader))])) Append(text, device);
            await response.WriteAsync(text.ToString(), httpContext.RequestAborted);
            if (rows.Count < RowsAtATime) return;
            text.Clear();
        }
    }

    private static void Append(StringBuilder text, DeviceSummary device) => Csv.Row(text,
        device.Id, device.Kind, device.Status, device.SerialNumber, device.DeviceName, device.ProductName, device.Model, device.ModelName, device.OsVersion,
        device.BuildVersion, device.IsSupervised switch { true => "true", false => "false", null => null },
        Csv.Number(device.BatteryLevel), Csv.Number(device.DeviceCapacity), Csv.Number(device.AvailableDeviceCapacity), Csv.Time(device.DetailsAt),
        device.UserShortName, device.UserLongName, device.School, Csv.Time(device.EnrolledAt), Csv.Time(device.UnenrolledAt), Csv.Time(device.LastSeenAt),
        device.Holder?.PersonId, device.Holder?.Name, device.Holder?.Until?.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture));
}
