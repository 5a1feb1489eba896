using Microsoft.Extensions.Logging.Console;

namespace FleetMdm.Api.Hosting;

/// <summary>One line an event on the console; JSON with <c>Logging:Console:FormatterName=json</c>.</summary>
public static class FleetLogging
{
    public static void AddFleetLogging(this IHostApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        // It has nothing to say but a line for the beginning and the end of each request; but as long as it might speak, each request gets an
        // Activity and a scope. First, so that a setting of this name overrides it.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
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
