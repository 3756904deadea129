// Progress on a terminal: after one second a line on stderr says what is going on and for how long. Silent where stderr is no terminal.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace onnxopt {

class Progress {
 public:
  explicit Progress(bool enabled);
  ~Progress();
  void stage(std::string what);  // e.g. "verifying"

 private:
  void tick();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string what_;
  bool stop_ = false, shown_ = false;
  std::thread thread_;
};

}  // namespace onnxopt
