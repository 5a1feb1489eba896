using Microsoft.Extensions.Logging.Console;

namespace FleetMdm.Api.Hosting;

/// <summary>One line an event on the console; JSON with <c>Logging:Console:FormatterName=json</c>.</summary>
public static class FleetLogging
{
    /// <summary>Parts of Orleans whose warnings are about what it then mends by itself.</summary>
    private static readonly string[] Chatty =
    [
        "Orleans.Runtime.Scheduler", "Orleans.Runtime.Watchdog", "Orleans.Runtime.SiloLifecycleSubject", "Orleans.Runtime.Messaging", "Orleans.Runtime.MembershipService",
        "Orleans.Runtime.GrainDirectory", "Orleans.Connections.Security",
    ];

    /// <summary>What these say of a call that failed, its caller is told too.</summary>
    private static readonly string[] SaidByCallers = ["Orleans.Messaging", "Polly"];

    public static void AddFleetLogging(this IHostApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        builder.Services.AddPlainLogging();
        // It has nothing to say but a line for the beginning and the end of each request; but as long as it might speak, each request gets an
        // Activity and a scope. First, so that a setting of this name overrides it.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        // Whoever breaks the rules of HTTP/2 is cut off. It is said with each connection, as critical, and strangers make thousands.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel.Http2", LogLevel.None);
        // A node that dies is told by one line (ClusterNode), not by each of those who talked to it; a stranger at the ports between nodes by one line an
        // hour (NodeStrangers), not with each connection; and what makes the health of this node doubtful while
        // it starts and makes keys is the start itself. A setting of the same name shows them again.
        foreach (var category in Chatty) builder.Logging.AddFilter(category, LogLevel.Error);
        foreach (var category in SaidByCallers) builder.Logging.AddFilter(category, LogLevel.Critical);
        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.ColorBehavior = LoggerColorBehavior.Disabled;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
        });

        // Whoever starts the server reads one sentence on why it did not start, not the host's stack trace before it.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => level >= LogLevel.Warning && !FleetProcess.IsStarting);
    }
}
