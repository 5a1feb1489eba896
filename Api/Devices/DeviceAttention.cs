using FleetMdm.Api.Access;
using FleetMdm.Api.Console;

namespace FleetMdm.Api.Devices;

/// <summary>iPads that nobody has heard of for long.</summary>
internal sealed class DeviceAttention(FleetCounts counts) : IAttention
{
    private const int Order = 30;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        var silent = (await counts.Read(reader.Scope)).Silent;
        if (silent == 0) return [];
        return [new AttentionItem(Order, silent, $"{(silent == 1 ? "iPad" : "iPads")} not seen for {FleetCounts.SilentDays} days", $"/ipads?status=Enrolled&notSeenFor={FleetCounts.SilentDays}")];
    }
}
